/**
 * Group commit. A transaction costs a flush of the disk, whatever it holds; so the writes that callers ask for within one turn of
 * the event loop share one: each in a savepoint of its own, all of them durable when the one COMMIT has returned, and none
 * acknowledged before.
 *
 *     turn n:    append A, append B, putObjects C asked for
 *     its end:   BEGIN IMMEDIATE; A; B; C; COMMIT: one flush; then the three promises settle
 *
 * A write that throws is undone alone and rejects alone. If the COMMIT fails (disk full, I/O error), or SQLite itself rolls back,
 * nothing happened and all that ran are rejected. The group runs synchronously, so no reader of this connection sees it half done.
 */
import type { DatabaseSync } from 'node:sqlite';
import { toStoreError, transact } from './database.ts';

/** A group takes no further write once it has run for so long: the rest waits for the next, and the event loop goes on. */
const groupMilliseconds = 10;

interface PendingWrite {
  /** Does the work and tells how to settle once it is durable. Throws only when the whole group is undone. */
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
}

/** Runs some work in a transaction that it may share with others; it is durable when the promise resolves. */
export type Write = <Result>(work: () => Result) => Promise<Result>;

export function createWriteGroup(database: DatabaseSync): Write {
  const pending: PendingWrite[] = [];

  function runGroup(): void {
    const group = pending.splice(0, 1);
    const settle: (() => void)[] = [];
    let isBegun = false;
    try {
      transact(database, 'IMMEDIATE', () => {
        isBegun = true;
        const end = performance.now() + groupMilliseconds;
        for (const write of group) {
          settle.push(write.run());
          if (performance.now() < end) group.push(...pending.splice(0, 1));
        }
      });
      for (const each of settle) each();
    } catch (error) {
      // Another process's transaction was waited for in vain, and nothing else went on here: the others do not wait as long again.
      if (!isBegun) group.push(...pending.splice(0));
      for (const { reject } of group) reject(toStoreError(error));
    }
    if (pending.length > 0) setImmediate(runGroup);
  }

  return (work) =>
    new Promise((resolve, reject) => {
      const run = (): (() => void) => {
        database.exec('SAVEPOINT write');
        try {
          const result = work();
          database.exec('RELEASE write');
          return () => resolve(result);
        } catch (error) {
          // A full disk may have rolled everything back under the group; a savepoint would then be a transaction of its own.
          if (!database.isTransaction) throw error;
          database.exec('ROLLBACK TO write; RELEASE write');
          return () => reject(toStoreError(error));
        }
      };
      pending.push({ run, reject });
      if (pending.length === 1) setImmediate(runGroup);
    });
}
