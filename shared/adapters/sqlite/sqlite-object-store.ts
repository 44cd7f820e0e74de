import type { DatabaseSync } from 'node:sqlite';
import { idToBytes } from '../../core/ids.ts';
import type { ObjectKind, ObjectStore } from '../../ports/metadata-store.ts';
import { attempt, transact } from './database.ts';
import { bytesOf } from './row.ts';
import type { Write } from './write-group.ts';

/** Kinds as they are in the file: never renumbered. */
const kindNumbers: Readonly<Record<ObjectKind, number>> = { node: 1, manifest: 2, segment: 3 };

/** `putObjects` happens to be atomic here, which nobody may rely on. */
export function createSqliteObjectStore(database: DatabaseSync, write: Write): ObjectStore {
  const select = database.prepare('SELECT bytes FROM objects WHERE workspace = ? AND kind = ? AND hash = ?');
  const insert = database.prepare('INSERT OR IGNORE INTO objects (workspace, kind, hash, bytes) VALUES (?, ?, ?, ?)');
  return {
    getObjects: (workspaceId, kind, hashes) =>
      attempt(() =>
        transact(database, 'DEFERRED', () => {
          const workspace = idToBytes(workspaceId);
          return hashes.map((hash) => {
            const row = select.get(workspace, kindNumbers[kind], idToBytes(hash));
            return row && bytesOf(row, 'bytes');
          });
        }),
      ),
    putObjects: async (workspaceId, kind, objects) => {
      if (objects.size === 0) return;
      await write(() => {
        const workspace = idToBytes(workspaceId);
        for (const [hash, bytes] of objects) insert.run(workspace, kindNumbers[kind], idToBytes(hash), bytes);
      });
    },
  };
}
