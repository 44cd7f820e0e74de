import type { DatabaseSync } from 'node:sqlite';
import { bytesToDigest, bytesToWorkspaceId, idToBytes } from '../../core/ids.ts';
import type { QuarantineRecord, QuarantineStore } from '../../ports/quarantine-store.ts';
import { attempt, transact } from './database.ts';
import { type Row, bytesOf, integerOf, nullable, textOf } from './row.ts';

function rowToRecord(row: Row): QuarantineRecord {
  return {
    workspaceId: bytesToWorkspaceId(bytesOf(row, 'workspace')),
    packId: bytesToDigest(bytesOf(row, 'pack')),
    blobName: textOf(row, 'blob'),
    reason: textOf(row, 'reason'),
    storedBytes: integerOf(row, 'stored_bytes'),
    foundMs: integerOf(row, 'found_ms'),
  };
}

export function createSqliteQuarantineStore(database: DatabaseSync): QuarantineStore {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO quarantine (workspace, blob, pack, reason, stored_bytes, found_ms) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const select = database.prepare('SELECT * FROM quarantine WHERE workspace = ? AND blob = ?');
  const selectAfter = database.prepare(
    'SELECT * FROM quarantine WHERE workspace = ? AND blob > ? ORDER BY blob LIMIT ?',
  );
  const selectFound = database.prepare(
    'SELECT max(found_ms) AS found_ms FROM quarantine WHERE workspace = ? AND pack = ?',
  );
  const remove = database.prepare('DELETE FROM quarantine WHERE workspace = ? AND blob = ?');
  return {
    record: ({ workspaceId, packId, blobName, reason, storedBytes, foundMs }) =>
      attempt(() => {
        insert.run(idToBytes(workspaceId), blobName, idToBytes(packId), reason, storedBytes, foundMs);
      }),
    get: (workspaceId, blobName) =>
      attempt(() => {
        const row = select.get(idToBytes(workspaceId), blobName);
        return row && rowToRecord(row);
      }),
    list: (workspaceId, after, limit) =>
      attempt(() => selectAfter.all(idToBytes(workspaceId), after ?? '', limit).map(rowToRecord)),
    foundMs: (workspaceId, packs) =>
      attempt(() =>
        transact(database, 'DEFERRED', () => {
          const workspace = idToBytes(workspaceId);
          return packs.map((packId) => {
            const row = selectFound.get(workspace, idToBytes(packId)) ?? {};
            return nullable(row, 'found_ms', integerOf) ?? undefined;
          });
        }),
      ),
    remove: (workspaceId, blobName) =>
      attempt(() => (remove.run(idToBytes(workspaceId), blobName).changes === 1 ? 'removed' : 'missing')),
  };
}
