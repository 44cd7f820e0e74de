import { type WorkspaceId, parseDeviceId, parseUserId, parseWorkspaceId } from '../../core/ids.ts';
import { presenceState } from '../../core/wire/presence.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PresenceRecord, PresenceStore } from '../../ports/presence-store.ts';
import { fieldsOf, integerOf, textOf, ttlOf } from './document.ts';
import type { Fields } from './table.ts';
import type { Tables } from './tables.ts';

function fieldsToRecord(fields: Fields): PresenceRecord {
  return {
    workspaceId: parseWorkspaceId(textOf(fields, 'workspaceId')),
    deviceId: parseDeviceId(textOf(fields, 'deviceId')),
    userId: parseUserId(textOf(fields, 'userId')),
    name: textOf(fields, 'name'),
    state: presenceState.fromJson(textOf(fields, 'state'), 'state'),
    connectionId: textOf(fields, 'connectionId'),
    openedMs: integerOf(fields, 'openedMs'),
    sinceMs: integerOf(fields, 'sinceMs'),
    seenMs: integerOf(fields, 'seenMs'),
    expiresMs: integerOf(fields, 'expiresMs'),
  };
}

/**
 * A heartbeat is one upsert of one small document, whatever the workspace. Documents end by their own time to live, so there is nothing to
 * sweep; it begins anew with each write.
 */
export function createCosmosPresenceStore({ presence, attempt }: Tables, clock: Clock): PresenceStore {
  async function list(workspaceId: WorkspaceId, nowMs: number, limit: number): Promise<PresenceRecord[]> {
    const all: PresenceRecord[] = [];
    if (limit <= 0) return all;
    const pages = presence.pages(workspaceId, {
      text: 'SELECT * FROM c ORDER BY c.seenMs DESC',
      parameters: {},
      page: Math.min(limit, 100),
    });
    // Few have expired and are still there: not worth an index.
    for await (const page of pages) {
      all.push(...page.map((one) => fieldsToRecord(fieldsOf(one))).filter(({ expiresMs }) => expiresMs > nowMs));
      if (all.length >= limit) break;
    }
    return all.slice(0, limit);
  }

  return {
    put: (record) =>
      attempt(() =>
        presence.upsert({
          pk: record.workspaceId,
          id: record.deviceId,
          ...record,
          ttl: ttlOf(record.expiresMs, clock.now()),
        }),
      ),
    get: (workspaceId, deviceId, nowMs) =>
      attempt(async () => {
        const found = await presence.read(workspaceId, deviceId);
        const record = found && fieldsToRecord(found.fields);
        return record !== undefined && record.expiresMs > nowMs ? record : undefined;
      }),
    list: (workspaceId, nowMs, limit) => attempt(() => list(workspaceId, nowMs, limit)),
    sweep: async () => 0,
  };
}
