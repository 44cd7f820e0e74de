import type { DatabaseSync } from 'node:sqlite';
import type { Lease, LeaseStore } from '../../ports/lease-store.ts';
import { attempt } from './database.ts';
import { type Row, integerOf, nullable, textOf } from './row.ts';

function rowToLease(row: Row): Lease {
  return {
    name: textOf(row, 'name'),
    owner: textOf(row, 'owner'),
    epoch: integerOf(row, 'epoch'),
    expiresMs: integerOf(row, 'expires_ms'),
    cursor: nullable(row, 'cursor', textOf),
  };
}

/** Each method is one statement, so that no two processes come between its look and its change. */
export function createSqliteLeaseStore(database: DatabaseSync): LeaseStore {
  const acquire = database.prepare(
    `INSERT INTO leases (name, owner, epoch, expires_ms) VALUES (:name, :owner, 1, :expiresMs)
     ON CONFLICT (name) DO UPDATE
       SET epoch = epoch + (owner <> excluded.owner), owner = excluded.owner, expires_ms = excluded.expires_ms
       WHERE owner = excluded.owner OR expires_ms <= :nowMs
     RETURNING *`,
  );
  const save = database.prepare(
    'UPDATE leases SET cursor = ?, expires_ms = ? WHERE name = ? AND owner = ? AND epoch = ?',
  );
  const release = database.prepare(
    `UPDATE leases SET owner = '', expires_ms = 0 WHERE name = ? AND owner = ? AND epoch = ?`,
  );
  const select = database.prepare(
    'SELECT * FROM leases WHERE substr(name, 1, length(:prefix)) = :prefix ORDER BY name',
  );
  return {
    acquire: (name, owner, nowMs, seconds) =>
      attempt(() => {
        const row = acquire.get({ name, owner, nowMs, expiresMs: nowMs + seconds * 1_000 });
        return row && rowToLease(row);
      }),
    save: ({ name, owner, epoch }, cursor, expiresMs) =>
      attempt(() => (save.run(cursor, expiresMs, name, owner, epoch).changes === 1 ? 'saved' : 'lost')),
    release: ({ name, owner, epoch }) =>
      attempt(() => {
        release.run(name, owner, epoch);
      }),
    list: (prefix) => attempt(() => select.all({ prefix }).map(rowToLease)),
  };
}
