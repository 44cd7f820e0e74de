import type { DatabaseSync } from 'node:sqlite';
import { type DeviceId, bytesToDeviceId, idToBytes, parseUserId } from '../../core/ids.ts';
import type { DeviceRecord, DeviceStore } from '../../ports/metadata-store.ts';
import { attempt, transact } from './database.ts';
import { bytesOf, integerOf, textOf } from './row.ts';

export function createSqliteDeviceStore(database: DatabaseSync): DeviceStore {
  const insert = database.prepare('INSERT OR IGNORE INTO devices (device, user, name, created_ms) VALUES (?, ?, ?, ?)');
  const select = database.prepare('SELECT * FROM devices WHERE device = ?');

  function find(deviceId: DeviceId): DeviceRecord | undefined {
    const row = select.get(idToBytes(deviceId));
    return (
      row && {
        deviceId: bytesToDeviceId(bytesOf(row, 'device')),
        userId: parseUserId(textOf(row, 'user')),
        name: textOf(row, 'name'),
        createdMs: integerOf(row, 'created_ms'),
      }
    );
  }

  return {
    register: (device) =>
      attempt(() =>
        transact(database, 'IMMEDIATE', () => {
          insert.run(idToBytes(device.deviceId), device.userId, device.name, device.createdMs);
          return find(device.deviceId) ?? device;
        }),
      ),
    get: (deviceId) => attempt(() => find(deviceId)),
  };
}
