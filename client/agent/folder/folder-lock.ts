/**
 * One agent for a folder. The lock is SQLite's: an exclusive transaction on an empty database, which is a lock of the
 * operating system, so it ends with the process however that ends (kill -9, power cut), and no stale lock is ever removed by guess.
 */
import { DatabaseSync } from 'node:sqlite';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';

export interface HeldLock {
  release(): void;
}

/** Throws `halted`, with `held: true`, when another agent, or another part of this program, holds it. */
export function lockFolder(root: string): HeldLock {
  const database = new DatabaseSync(`${root}/${controlFolder}/lock.db`, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new TidemarkError('halted', `another Tidemark agent is running on ${root}`, { data: { held: true }, cause });
  }
  return { release: () => database.close() };
}
