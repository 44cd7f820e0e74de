/**
 * One connection to the journal's file: prepared statements by their text, transactions, and errors as ours.
 *
 * WAL with synchronous=FULL: when a transaction returns, it survives a power cut. A transaction holds as much as belongs
 * together, thousands of rows if need be, because each costs one flush of the disk.
 *
 * SQLite's own cache is 8 MiB: rows are read and written in the order of their ids mostly, and what it lets go the system's cache has.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import type { Row, Tuple } from './rows.ts';

/** SQLITE_CORRUPT and SQLITE_NOTADB: the file is not what SQLite wrote. */
const damageCodes: ReadonlySet<unknown> = new Set([11, 26]);

export function isDamage(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' && damageCodes.has(code & 0xff);
}

/** Whether this is damage of the journal that was met while it was in use, also in a worker. */
export function isJournalDamage(error: unknown): boolean {
  return isTidemarkError(error, 'corrupt') && error.data['journal'] === true;
}

export class Database {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #tupleStatements = new Map<string, StatementSync>();
  #depth = 0;

  /** Opens or makes the file; `:memory:` keeps nothing. Throws SQLite's errors as they are. */
  constructor(file: string, options: { readonly readOnly: boolean }) {
    this.#connection = new DatabaseSync(file, { readOnly: options.readOnly });
    this.#connection.exec('PRAGMA busy_timeout = 10000');
    if (options.readOnly) return;
    this.#connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192');
  }

  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#guard(() => this.#prepare(sql).run(...values)).changes);
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#prepare(sql).get(...values));
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#guard(() => this.#prepare(sql).all(...values));
  }

  /** As `all`, each row an array of its columns: takes half the time and memory where there are many rows. */
  tuples(sql: string, ...values: readonly SQLInputValue[]): readonly Tuple[] {
    return this.#guard(() => {
      let statement = this.#tupleStatements.get(sql);
      if (statement === undefined) {
        statement = this.#connection.prepare(sql);
        statement.setReturnArrays(true);
        this.#tupleStatements.set(sql, statement);
      }
      return statement.all(...values) as unknown as readonly Tuple[];
    });
  }

  /** All or nothing, durable when it returns. Inside another one it is a part of that. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#guard(() => this.#connection.exec('BEGIN IMMEDIATE'));
    this.#depth++;
    try {
      const result = work();
      this.#guard(() => this.#connection.exec('COMMIT'));
      return result;
    } catch (error) {
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth--;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#tupleStatements.clear();
    this.#connection.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      throw new TidemarkError('corrupt', "the agent's journal is damaged", { data: { journal: true }, cause });
    }
  }
}
