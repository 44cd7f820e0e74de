/**
 * Changes of names, in groups. To tell a change costs a flush of the disk, during which this process does nothing else; so the
 * changes that are asked for while one group is done are the next, and share one turn under the lock of names and one flush:
 *
 *     lock; look at A, B, C; tell of them in one transaction; do A, B, C; unlock; then the three promises settle
 *
 * Each is of another name, so that what one sees is not what another of the group changes; and each stands or fails alone.
 */
import { TidemarkError } from '../../core/errors.ts';
import type { BlobChange } from '../../ports/change-feed.ts';
import type { ChangeLog } from './change-log.ts';
import type { NameLock } from './name-lock.ts';

/** Bounds how long the lock is held and this process is busy. */
const groupMax = 64;

export interface NameChange<Result> {
  /** Of the name: no two of a group have one. */
  readonly path: string;
  /** Looks at what is there: what is to be told, if anything, and how it is done after that. */
  readonly look: () => { readonly tell: BlobChange | null; readonly carryOut: () => Result };
}

interface Pending {
  readonly path: string;
  /** Gives what is to be told; null also when looking failed. */
  readonly look: () => BlobChange | null;
  readonly carryOut: () => void;
  /** Tells the caller, once the lock is free. */
  readonly settle: () => void;
  readonly reject: (error: unknown) => void;
}

type Outcome<Result> = { readonly value: Result } | { readonly error: unknown };

function attemptOutcome<Result>(work: () => Result): Outcome<Result> {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

export class NameChanges {
  readonly #lock: NameLock;
  readonly #log: ChangeLog;
  readonly #pending: Pending[] = [];

  constructor(lock: NameLock, log: ChangeLog) {
    this.#lock = lock;
    this.#log = log;
  }

  /** Done and told when it resolves. Not durable before the name's folder is flushed. */
  run<Result>({ path, look }: NameChange<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      let looked: Outcome<ReturnType<typeof look>>;
      let done: Outcome<Result>;
      this.#pending.push({
        path,
        look: () => {
          looked = attemptOutcome(look);
          return 'value' in looked ? looked.value.tell : null;
        },
        carryOut: () => {
          done = 'value' in looked ? attemptOutcome(looked.value.carryOut) : looked;
        },
        settle: () => ('value' in done ? resolve(done.value) : reject(done.error)),
        reject,
      });
      if (this.#pending.length === 1) setImmediate(() => this.#runGroup());
    });
  }

  /** The oldest, up to the first whose name is in the group already. */
  #takeGroup(): Pending[] {
    const paths = new Set<string>();
    let count = 0;
    for (const { path } of this.#pending) {
      if (count === groupMax || paths.has(path)) break;
      paths.add(path);
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  #runGroup(): void {
    const group = this.#takeGroup();
    try {
      this.#lock.run(() => {
        const told = group.map((each) => each.look()).filter((change) => change !== null);
        if (told.length > 0) this.#log.append(told);
        for (const each of group) each.carryOut();
      });
      for (const each of group) each.settle();
    } catch (error) {
      // Whoever holds the lock for seconds holds it for the others too: they need not wait one after another.
      if (error instanceof TidemarkError && error.code === 'busy') group.push(...this.#pending.splice(0));
      for (const each of group) each.reject(error);
    }
    if (this.#pending.length > 0) setImmediate(() => this.#runGroup());
  }
}
