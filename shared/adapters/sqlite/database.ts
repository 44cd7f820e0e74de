/**
 * One SQLite file, opened for durability: WAL with synchronous=FULL, so that a transaction that has committed survives a
 * power cut. Any number of processes may have it open. Statements run synchronously: a call is atomic with respect to this
 * process by itself, and to others by its transaction.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TidemarkError } from '../../core/errors.ts';
import { schemaSteps } from './schema.ts';

/** A writer waits this long for another process's transaction, which takes milliseconds. */
const busyTimeoutMs = 5_000;

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
const resultCodes = {
  busy: 5,
  locked: 6,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** What SQLite threw, as the error that callers of a store know. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof TidemarkError) return error;
  switch (resultCodeOf(error)) {
    case undefined:
      return error;
    case resultCodes.busy:
    case resultCodes.locked:
    case resultCodes.full:
      return new TidemarkError('busy', 'the database file cannot be written now', { cause: error });
    case resultCodes.ioError:
    case resultCodes.cannotOpen:
      return new TidemarkError('unavailable', 'the database file cannot be read or written', { cause: error });
    case resultCodes.corrupt:
    case resultCodes.notADatabase:
      return new TidemarkError('corrupt', 'the database file is damaged', { cause: error });
    default:
      return new TidemarkError('internal', 'a database statement failed', { cause: error });
  }
}

/** Runs one store call; errors leave as TidemarkErrors. */
export function attemptNow<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw toStoreError(error);
  }
}

/** The same, asynchronous only in form. */
export async function attempt<Result>(work: () => Result): Promise<Result> {
  return attemptNow(work);
}

/** Runs `work` in one transaction: all of it is durable when this returns, or, if it throws, none of it happened. */
export function transact<Result>(database: DatabaseSync, kind: 'IMMEDIATE' | 'DEFERRED', work: () => Result): Result {
  database.exec(`BEGIN ${kind}`);
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // Some errors (a full disk) have rolled back already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function readVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Takes the steps that the file has not taken. Two processes may try at once: the second finds them taken. */
function migrate(database: DatabaseSync, steps: readonly string[]): void {
  if (readVersion(database) === steps.length) return;
  transact(database, 'IMMEDIATE', () => {
    const version = readVersion(database);
    if (version > steps.length) {
      throw new TidemarkError('unsupported', 'the database file was written by a newer version of this program');
    }
    for (const step of steps.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}

/**
 * Makes a missing file before SQLite does, so that it is never readable by others; SQLite gives its journal the same mode. An
 * existing one must not even be opened here: closing it would drop the locks that this process has on it.
 */
function makeOwnersOnly(file: string): void {
  if (file === ':memory:') return;
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch {
    // It exists, or SQLite will say what is wrong.
  }
}

/**
 * Opens the file, making it or taking the steps that it has not taken; `:memory:` gives a private database that is never durable.
 * `steps` are those of the metadata file unless told otherwise.
 */
export function openDatabase(file: string, steps: readonly string[] = schemaSteps): DatabaseSync {
  makeOwnersOnly(file);
  try {
    const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;');
      migrate(database, steps);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw toStoreError(error);
  }
}
