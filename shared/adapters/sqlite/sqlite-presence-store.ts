import type { DatabaseSync } from 'node:sqlite';
import { bytesToDeviceId, bytesToWorkspaceId, idToBytes, parseUserId } from '../../core/ids.ts';
import { presenceState } from '../../core/wire/presence.ts';
import type { PresenceRecord, PresenceStore } from '../../ports/presence-store.ts';
import { attempt } from './database.ts';
import { type Row, bytesOf, integerOf, textOf } from './row.ts';
import type { Write } from './write-group.ts';

function rowToRecord(row: Row): PresenceRecord {
  return {
    workspaceId: bytesToWorkspaceId(bytesOf(row, 'workspace')),
    deviceId: bytesToDeviceId(bytesOf(row, 'device')),
    userId: parseUserId(textOf(row, 'user')),
    name: textOf(row, 'name'),
    state: presenceState.fromJson(textOf(row, 'state'), 'state'),
    connectionId: textOf(row, 'connection'),
    openedMs: integerOf(row, 'opened_ms'),
    sinceMs: integerOf(row, 'since_ms'),
    seenMs: integerOf(row, 'seen_ms'),
    expiresMs: integerOf(row, 'expires_ms'),
  };
}

/** Heartbeats that come at once share a transaction. */
export function createSqlitePresenceStore(database: DatabaseSync, write: Write): PresenceStore {
  const upsert = database.prepare(
    `INSERT OR REPLACE INTO presence
       (workspace, device, user, name, state, connection, opened_ms, since_ms, seen_ms, expires_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = database.prepare('SELECT * FROM presence WHERE workspace = ? AND device = ? AND expires_ms > ?');
  const selectNewest = database.prepare(
    'SELECT * FROM presence WHERE workspace = ? AND expires_ms > ? ORDER BY seen_ms DESC LIMIT ?',
  );
  const remove = database.prepare('DELETE FROM presence WHERE expires_ms < ?');
  return {
    put: (record) =>
      write(() => {
        upsert.run(
          idToBytes(record.workspaceId),
          idToBytes(record.deviceId),
          record.userId,
          record.name,
          record.state,
          record.connectionId,
          record.openedMs,
          record.sinceMs,
          record.seenMs,
          record.expiresMs,
        );
      }),
    get: (workspaceId, deviceId, nowMs) =>
      attempt(() => {
        const row = select.get(idToBytes(workspaceId), idToBytes(deviceId), nowMs);
        return row && rowToRecord(row);
      }),
    list: (workspaceId, nowMs, limit) =>
      attempt(() => selectNewest.all(idToBytes(workspaceId), nowMs, limit).map(rowToRecord)),
    sweep: (nowMs) => attempt(() => Number(remove.run(nowMs).changes)),
  };
}
