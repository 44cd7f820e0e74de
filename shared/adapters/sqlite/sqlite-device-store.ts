import type { DatabaseSync } from 'node:sqlite';
import { type DeviceId, bytesToDeviceId, idToBytes, parseUserId } from '../../core/ids.ts';
import type { DeviceRecord, DeviceStore } from '../../ports/metadata-store.ts';
import { attempt, transact } from './database.ts';
import { type Row, bytesOf, integerOf, nullable, textOf } from './row.ts';

function rowToDevice(row: Row): DeviceRecord {
  return {
    deviceId: bytesToDeviceId(bytesOf(row, 'device')),
    userId: parseUserId(textOf(row, 'user')),
    name: textOf(row, 'name'),
    createdMs: integerOf(row, 'created_ms'),
    revokedMs: nullable(row, 'revoked_ms', integerOf),
  };
}

export function createSqliteDeviceStore(database: DatabaseSync): DeviceStore {
  const insert = database.prepare(
    'INSERT OR IGNORE INTO devices (device, user, name, created_ms, revoked_ms) VALUES (?, ?, ?, ?, ?)',
  );
  const select = database.prepare('SELECT * FROM devices WHERE device = ?');
  const selectOfUser = database.prepare('SELECT * FROM devices WHERE user = ? ORDER BY created_ms, device');
  const revoke = database.prepare(
    'UPDATE devices SET revoked_ms = coalesce(revoked_ms, ?) WHERE device = ? RETURNING *',
  );

  function find(deviceId: DeviceId): DeviceRecord | undefined {
    const row = select.get(idToBytes(deviceId));
    return row && rowToDevice(row);
  }

  return {
    register: (device) =>
      attempt(() =>
        transact(database, 'IMMEDIATE', () => {
          insert.run(idToBytes(device.deviceId), device.userId, device.name, device.createdMs, device.revokedMs);
          return find(device.deviceId) ?? device;
        }),
      ),
    get: (deviceId) => attempt(() => find(deviceId)),
    listOfUser: (userId) => attempt(() => selectOfUser.all(userId).map(rowToDevice)),
    revoke: (deviceId, nowMs) =>
      attempt(() => {
        const row = revoke.get(nowMs, idToBytes(deviceId));
        return row && rowToDevice(row);
      }),
  };
}
