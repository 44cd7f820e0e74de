/**
 * Where the issuer keeps sessions, codes, grants and refresh tokens: one SQLite table, in a file or in memory, behind
 * the adapter interface of `oidc-provider`. Expired rows are never found and are deleted by later writes.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Adapter, AdapterPayload } from 'oidc-provider';

const schema = `
  CREATE TABLE IF NOT EXISTS records (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    grant_id TEXT,
    user_code TEXT,
    uid TEXT,
    expires_at INTEGER,
    PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS records_grant ON records (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
`;

export interface TokenStore {
  /** The adapter for one kind of record, such as `RefreshToken`. */
  adapter(model: string): Adapter;
  close(): void;
}

/** @param folder holds `identity.sqlite`; without it the store is in memory. */
export function openTokenStore(folder: string | undefined): TokenStore {
  const path = folder === undefined ? ':memory:' : join(folder, 'identity.sqlite');
  // Made before SQLite makes it, so that it is never readable by others; SQLite gives its journal the same mode.
  if (folder !== undefined) closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = DELETE');
  database.exec(schema);
  return { adapter: (model) => createAdapter(database, model), close: () => database.close() };
}

/** The columns by which `oidc-provider` looks a record up besides its id. */
type LookupColumn = 'id' | 'user_code' | 'uid';

function createAdapter(database: DatabaseSync, model: string): Adapter {
  const nowSeconds = (): number => Math.floor(Date.now() / 1_000);
  const find = (column: LookupColumn, value: string): AdapterPayload | undefined => {
    const row = database
      .prepare(
        `SELECT payload FROM records WHERE model = ? AND ${column} = ? AND (expires_at IS NULL OR expires_at > ?)`,
      )
      .get(model, value, nowSeconds());
    return row === undefined ? undefined : parsePayload(row['payload']);
  };
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn === undefined ? null : nowSeconds() + expiresIn;
      database.prepare('DELETE FROM records WHERE expires_at <= ?').run(nowSeconds());
      database
        .prepare(
          'INSERT OR REPLACE INTO records (model, id, payload, grant_id, user_code, uid, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          model,
          id,
          JSON.stringify(payload),
          payload.grantId ?? null,
          payload.userCode ?? null,
          payload.uid ?? null,
          expiresAt,
        );
    },
    find: async (id) => find('id', id),
    findByUserCode: async (userCode) => find('user_code', userCode),
    findByUid: async (uid) => find('uid', uid),
    async consume(id) {
      database
        .prepare("UPDATE records SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?")
        .run(nowSeconds(), model, id);
    },
    async destroy(id) {
      database.prepare('DELETE FROM records WHERE model = ? AND id = ?').run(model, id);
    },
    async revokeByGrantId(grantId) {
      database.prepare('DELETE FROM records WHERE grant_id = ?').run(grantId);
    },
  };
}

/** The parse door of records: the table holds only what `upsert` put there. */
function parsePayload(text: unknown): AdapterPayload {
  return JSON.parse(String(text)) as AdapterPayload;
}
