/** A lock between processes that ends with the process that holds it, as folder-lock.ts explains. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { TidemarkError } from '../../shared/core/errors.ts';

const lookMs = 50;
const looksMax = 600;
/** SQLITE_BUSY */
const busyCode = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === busyCode;
}

/** Runs `work` alone among all that name this file. Waits for half a minute at most, then throws `busy`. */
export async function underLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    await begin(database);
    return await work();
  } finally {
    database.close();
  }
}

async function begin(database: DatabaseSync): Promise<void> {
  for (let looks = 1; ; looks++) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (looks >= looksMax)
        throw new TidemarkError('busy', 'another tide renews the login and does not come to an end');
      await sleepFor(lookMs);
    }
  }
}
