/**
 * One stack for a data folder. The lock is SQLite's: an exclusive transaction on an empty database, which is a lock of the
 * operating system. It ends with the process however that ends, so a killed stack leaves none behind, and no process id
 * that was given to somebody else meanwhile is taken for a stack.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export const dataLockName = 'stack.lock';

/** Takes the lock of an existing folder; undefined when another process has it. Call the result to release it. */
export function lockData(data: string): (() => void) | undefined {
  const database = new DatabaseSync(join(data, dataLockName), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => database.close();
}

const sqliteBusy = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === sqliteBusy;
}
