/**
 * One at a time gives or takes a name, over all processes that use one blob folder. Files have no compare-and-delete: a deleter
 * looks at the file and then unlinks the name, and if another one unlinked in between and a writer created the name anew, the
 * first would delete what it never looked at. And what happened is to be told in the order in which it did (change-log.ts).
 * The lock is SQLite's: the system releases it when its holder dies.
 */
import { DatabaseSync } from 'node:sqlite';
import { TidemarkError } from '../../core/errors.ts';

/** In the blob folder. */
export const nameLockName = '.lock';
/** A holder works for a few milliseconds; whoever waits this long waits for a stopped process. */
const waitMs = 5_000;

export class NameLock {
  readonly #file: string;
  #database: DatabaseSync | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Runs `work`, which must be synchronous and short, as the only one. Throws `busy` when the lock cannot be had. */
  run<Result>(work: () => Result): Result {
    this.#database ??= new DatabaseSync(this.#file, { timeout: waitMs });
    try {
      this.#database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      throw new TidemarkError('busy', 'another process holds the lock of the blob folder', { cause: error });
    }
    try {
      return work();
    } finally {
      this.#database.exec('ROLLBACK');
    }
  }
}
