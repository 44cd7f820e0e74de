import { type DeviceId, type UserId, parseDeviceId, parseUserId } from '../../core/ids.ts';
import type { DeviceRecord, DeviceStore } from '../../ports/metadata-store.ts';
import { TidemarkError } from '../../core/errors.ts';
import { userPk } from './cosmos-workspace-store.ts';
import { integerOf, integerOrNullOf, textOf } from './document.ts';
import { forEach } from './many.ts';
import type { Document, Fields } from './table.ts';
import type { Tables } from './tables.ts';

const documentId = 'device';

function devicePk(deviceId: DeviceId): string {
  return `device-${deviceId}`;
}

function deviceToDocument(device: DeviceRecord): Document {
  return { pk: devicePk(device.deviceId), id: documentId, ...device };
}

function fieldsToDevice(fields: Fields): DeviceRecord {
  return {
    deviceId: parseDeviceId(textOf(fields, 'deviceId')),
    userId: parseUserId(textOf(fields, 'userId')),
    name: textOf(fields, 'name'),
    createdMs: integerOf(fields, 'createdMs'),
    revokedMs: integerOrNullOf(fields, 'revokedMs'),
  };
}

/** Each lost one is a revocation by somebody else, after which there is nothing left to do. */
const attemptsMax = 3;

export function createCosmosDeviceStore({ directory, attempt }: Tables): DeviceStore {
  async function find(deviceId: DeviceId): Promise<DeviceRecord | undefined> {
    const found = await directory.read(devicePk(deviceId), documentId);
    return found && fieldsToDevice(found.fields);
  }

  async function register(device: DeviceRecord): Promise<DeviceRecord> {
    const known = await find(device.deviceId);
    if (known !== undefined) return known;
    // Where to look before what is there: a crash in between leaves nothing that cannot be found.
    await directory.upsert({ pk: userPk(device.userId), id: `device-${device.deviceId}` });
    if ((await directory.create(deviceToDocument(device))) === 'created') return device;
    return (await find(device.deviceId)) ?? device;
  }

  async function listOfUser(userId: UserId): Promise<DeviceRecord[]> {
    const prefix = 'device-';
    const ids = await directory.all(userPk(userId), {
      text: 'SELECT VALUE c.id FROM c WHERE c.id >= @from AND c.id < @to',
      parameters: { '@from': prefix, '@to': `${prefix}~` },
      page: 1_000,
    });
    const found = await forEach(ids, (id) => find(parseDeviceId(String(id).slice(prefix.length))));
    return found
      .filter((device) => device?.userId === userId)
      .filter((device) => device !== undefined)
      .sort((a, b) => a.createdMs - b.createdMs || (a.deviceId < b.deviceId ? -1 : 1));
  }

  async function revoke(deviceId: DeviceId, nowMs: number): Promise<DeviceRecord | undefined> {
    for (let attempts = 0; attempts < attemptsMax; attempts++) {
      const found = await directory.read(devicePk(deviceId), documentId);
      if (found === undefined) return undefined;
      const device = fieldsToDevice(found.fields);
      if (device.revokedMs !== null) return device;
      const revoked = { ...device, revokedMs: nowMs };
      if ((await directory.replace(deviceToDocument(revoked), found.etag)) === 'replaced') return revoked;
    }
    throw new TidemarkError('busy', 'this device is being changed elsewhere');
  }

  return {
    register: (device) => attempt(() => register(device)),
    get: (deviceId) => attempt(() => find(deviceId)),
    listOfUser: (userId) => attempt(() => listOfUser(userId)),
    revoke: (deviceId, nowMs) => attempt(() => revoke(deviceId, nowMs)),
  };
}
