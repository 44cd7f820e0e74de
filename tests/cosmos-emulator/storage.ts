/**
 * Documents in SQLite. Each write of a container gets the next LSN; a document keeps the versions that a lagging read may
 * still see, newest last. A deletion is a version without a body.
 */
import { randomUUID } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isIndexed, type Definition } from './definition.ts';
import type { Query } from './query.ts';
import { unknown } from './refusal.ts';

export interface Container {
  readonly rid: string;
  readonly definition: Definition;
  readonly lsn: number;
}

export interface Stored {
  readonly pk: string;
  readonly id: string;
  readonly body: string;
  readonly etag: string;
}

/** From which document on a page goes on. */
export interface Position {
  /** What the query orders by; its id unless told. */
  readonly key: string | number;
  readonly pk: string;
  readonly id: string;
}

const schema = `
  CREATE TABLE IF NOT EXISTS databases (id TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS containers (
    database TEXT NOT NULL, id TEXT NOT NULL, rid TEXT NOT NULL, definition TEXT NOT NULL, lsn INTEGER NOT NULL,
    PRIMARY KEY (database, id)) STRICT;
  CREATE TABLE IF NOT EXISTS documents (
    container TEXT NOT NULL, pk TEXT NOT NULL, id TEXT NOT NULL, lsn INTEGER NOT NULL, body TEXT, etag TEXT,
    expires_ms INTEGER, UNIQUE (container, pk, id, lsn)) STRICT;
`;

/** A resource id that the SDK takes for a container's: 8 bytes of base64. */
function newRid(): string {
  return Buffer.from(randomUUID().replaceAll('-', '').slice(0, 16), 'hex').toString('base64').replaceAll('/', '-');
}

const visibleColumns = 'pk, id, body, etag, expires_ms, MAX(lsn) AS lsn';

export class Storage {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #now: () => number;
  /** Versions that lag behind the newest by up to so many writes are kept. */
  readonly #lagMax: number;

  constructor(options: { readonly file: string; readonly now: () => number; readonly lagMax: number }) {
    this.#database = new DatabaseSync(options.file);
    this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`);
    this.#now = options.now;
    this.#lagMax = options.lagMax;
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text) ?? this.#database.prepare(text);
    this.#statements.set(text, known);
    return known;
  }

  close(): void {
    this.#database.close();
  }

  /** All or nothing. */
  transact<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  hasDatabase(id: string): boolean {
    return this.#prepare('SELECT 1 FROM databases WHERE id = ?').get(id) !== undefined;
  }

  createDatabase(id: string): void {
    this.#prepare('INSERT INTO databases (id) VALUES (?)').run(id);
  }

  deleteDatabase(id: string): void {
    const rows = this.#prepare('SELECT rid FROM containers WHERE database = ?').all(id);
    for (const { rid } of rows) this.#prepare('DELETE FROM documents WHERE container = ?').run(String(rid));
    this.#prepare('DELETE FROM containers WHERE database = ?').run(id);
    this.#prepare('DELETE FROM databases WHERE id = ?').run(id);
  }

  container(database: string, id: string): Container | undefined {
    const row = this.#prepare('SELECT * FROM containers WHERE database = ? AND id = ?').get(database, id);
    if (row === undefined) return undefined;
    return { rid: String(row['rid']), definition: JSON.parse(String(row['definition'])), lsn: Number(row['lsn']) };
  }

  createContainer(database: string, definition: Definition): void {
    this.#prepare('INSERT INTO containers VALUES (?, ?, ?, ?, 0)').run(
      database,
      definition.id,
      newRid(),
      JSON.stringify(definition),
    );
  }

  /** The LSN of a new write. */
  nextLsn(rid: string): number {
    const row = this.#prepare('UPDATE containers SET lsn = lsn + 1 WHERE rid = ? RETURNING lsn').get(rid);
    return Number(row?.['lsn']);
  }

  /** The document as of this LSN, unless it is not there or its time is over. */
  find(rid: string, pk: string, id: string, lsn: number): Stored | undefined {
    const row = this.#prepare(
      `SELECT ${visibleColumns} FROM documents WHERE container = ? AND pk = ? AND id = ? AND lsn <= ?`,
    ).get(rid, pk, id, lsn);
    if (row === undefined || row['body'] === null) return undefined;
    if (row['expires_ms'] !== null && Number(row['expires_ms']) <= this.#now()) return undefined;
    return { pk, id, body: String(row['body']), etag: String(row['etag']) };
  }

  /** Stores a version; a null body deletes. */
  put(
    rid: string,
    lsn: number,
    document: { readonly [K in keyof Stored]: Stored[K] | null },
    ttl: number | null,
  ): void {
    const { pk, id, body, etag } = document;
    const expiresMs = ttl === null ? null : this.#now() + ttl * 1000;
    this.#prepare('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)').run(
      rid,
      pk,
      id,
      lsn,
      body,
      etag,
      expiresMs,
    );
    this.#prepare(
      `DELETE FROM documents WHERE container = ?1 AND pk = ?2 AND id = ?3 AND lsn <
         (SELECT MAX(lsn) FROM documents WHERE container = ?1 AND pk = ?2 AND id = ?3 AND lsn <= ?4)`,
    ).run(rid, pk, id, lsn - this.#lagMax);
  }

  /**
   * Matching documents as of this LSN, by what the query orders by (then by id and pk), from a position on, one at a time. Those that lack
   * what it orders by are left out.
   */
  *select(container: Container, pk: string | undefined, query: Query, lsn: number, from: Position | undefined) {
    const byId = ['container = ?', 'lsn <= ?'];
    const values: (string | number)[] = [container.rid, lsn];
    const others = ['body IS NOT NULL', '(expires_ms IS NULL OR expires_ms > ?)'];
    const otherValues: (string | number)[] = [this.#now()];
    if (pk !== undefined) {
      byId.push('pk = ?');
      values.push(pk);
    }
    for (const { path, operator, values: wanted } of query.conditions) {
      if (!isIndexed(container.definition, path)) throw unknown(`a filter on ${path}, which is not indexed: a scan`);
      const right = operator === 'IN' ? `IN (${wanted.map(() => '?').join(', ')})` : `${operator} ?`;
      if (path === 'id') {
        byId.push(`id ${right}`);
        values.push(...wanted);
      } else {
        others.push(`json_extract(body, '$.${path}') ${right}`);
        otherValues.push(...wanted);
      }
    }
    const { path, direction } = query.order ?? { path: 'id', direction: 'ASC' };
    if (!isIndexed(container.definition, path)) throw unknown(`an order by ${path}, which is not indexed`);
    const key = path === 'id' ? 'id' : `json_extract(body, '$.${path}')`;
    if (path !== 'id') others.push(`${key} IS NOT NULL`);
    if (from !== undefined) {
      // Ids are columns: what lies before the position need not be put together.
      const [clauses, given] = path === 'id' ? [byId, values] : [others, otherValues];
      clauses.push(`(${key}, id, pk) ${direction === 'DESC' ? '<' : '>'} (?, ?, ?)`);
      given.push(from.key, from.id, from.pk);
    }
    const text = `SELECT *, ${key} AS key FROM (
        SELECT ${visibleColumns} FROM documents WHERE ${byId.join(' AND ')} GROUP BY pk, id)
      WHERE ${others.join(' AND ')} ORDER BY key ${direction}, id ${direction}, pk ${direction}`;
    for (const row of this.#prepare(text).iterate(...values, ...otherValues)) {
      const position = { key: row['key'] as Position['key'], pk: String(row['pk']), id: String(row['id']) };
      yield { ...position, body: String(row['body']), etag: String(row['etag']) };
    }
  }
}
