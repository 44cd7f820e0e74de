import type { DatabaseSync } from 'node:sqlite';
import { TidemarkError } from '../../core/errors.ts';
import {
  bytesToDeviceId,
  bytesToSessionId,
  bytesToWorkspaceId,
  idToBytes,
  parseDigestColumn,
  parseUserId,
} from '../../core/ids.ts';
import type { SessionRecord, SessionStore } from '../../ports/metadata-store.ts';
import { attempt } from './database.ts';
import { type Row, bytesOf, integerOf, textOf } from './row.ts';
import type { Write } from './write-group.ts';

function rowToSession(row: Row): SessionRecord {
  return {
    sessionId: bytesToSessionId(bytesOf(row, 'session')),
    workspaceId: bytesToWorkspaceId(bytesOf(row, 'workspace')),
    userId: parseUserId(textOf(row, 'user')),
    deviceId: bytesToDeviceId(bytesOf(row, 'device')),
    createdMs: integerOf(row, 'created_ms'),
    expiresMs: integerOf(row, 'expires_ms'),
    packs: parseDigestColumn(bytesOf(row, 'packs')),
  };
}

/** `create` throws `conflict` when the session id is taken. */
export function createSqliteSessionStore(database: DatabaseSync, write: Write): SessionStore {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO sessions (session, workspace, user, device, created_ms, expires_ms, packs)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = database.prepare('SELECT * FROM sessions WHERE session = ? AND workspace = ? AND expires_ms > ?');
  const remove = database.prepare('DELETE FROM sessions WHERE expires_ms < ?');
  return {
    create: (session) =>
      write(() => {
        const { changes } = insert.run(
          idToBytes(session.sessionId),
          idToBytes(session.workspaceId),
          session.userId,
          idToBytes(session.deviceId),
          session.createdMs,
          session.expiresMs,
          session.packs,
        );
        if (changes === 0) throw new TidemarkError('conflict', 'this session id is taken');
      }),
    get: (workspaceId, sessionId, nowMs) =>
      attempt(() => {
        const row = select.get(idToBytes(sessionId), idToBytes(workspaceId), nowMs);
        return row && rowToSession(row);
      }),
    sweep: (nowMs) => attempt(() => Number(remove.run(nowMs).changes)),
  };
}
