import type { DatabaseSync } from 'node:sqlite';
import { idToBytes } from '../../core/ids.ts';
import type { MetadataStore } from '../../ports/metadata-store.ts';
import { attempt, transact } from './database.ts';

/** Tables of a workspace's rows, with what names a row within it. Chunks refer to packs, so they go first. */
const tables = [
  ['chunks', 'hash'],
  ['packs', 'id'],
  ['objects', 'rowid'],
  ['journal', 'rowid'],
  ['requests', 'rowid'],
  ['sessions', 'rowid'],
  ['versions', 'rowid'],
  ['projections', 'workspace'],
  ['quarantine', 'rowid'],
  ['presence', 'device'],
] as const;

/** Each step is one transaction. The record goes with the last one: until then, the purge is known to be unfinished. */
export function createSqlitePurge(database: DatabaseSync): MetadataStore['purgeWorkspace'] {
  const parts = tables.map(([table, key]) =>
    database.prepare(
      `DELETE FROM ${table} WHERE workspace = :workspace
       AND ${key} IN (SELECT ${key} FROM ${table} WHERE workspace = :workspace LIMIT :limit)`,
    ),
  );
  const last = ['members', 'heads', 'workspaces'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE workspace = ?`),
  );
  return (workspaceId, limit) =>
    attempt(() =>
      transact(database, 'IMMEDIATE', () => {
        const workspace = idToBytes(workspaceId);
        let left = limit;
        for (const part of parts) {
          left -= Number(part.run({ workspace, limit: left }).changes);
          if (left <= 0) return 'more';
        }
        for (const part of last) part.run(workspace);
        return 'done';
      }),
    );
}
