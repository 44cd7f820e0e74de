/**
 * Ends connections, and tries again while the service cannot. One that is asked for again while it is under way is done once more: connections
 * may have come in between. Nothing is promised: a process that ends takes what it has pending with it. Whoever should have been cut off is
 * found out at the next report of their connection, and gets no other.
 */
import type { Timers } from '../../../ports/clock.ts';
import type { Log, LogFields } from '../../../ports/log.ts';
import type { Metrics } from '../../../ports/metrics.ts';
import { errorCodeOf } from './error-code.ts';
import { withinTime } from './time-limit.ts';

/** Between one attempt and the next: a service that restarts is waited for, one that is down for longer is not. */
const retryMs = [1_000, 5_000, 30_000, 120_000] as const;
/** Expulsions are rare; so many come of a person's work only. */
const pendingMax = 1_000;
/** A burst of them leaves the service's rate to the events. */
const atOnceMax = 8;
/** The service ends all connections of a group before it answers. */
const attemptMsMax = 30_000;

/** Who goes: `kind` for figures, `fields` for the log. */
export interface Expelled {
  readonly kind: 'user' | 'workspace' | 'connection';
  readonly id: string;
  readonly fields: LogFields;
  readonly close: () => Promise<void>;
}

interface Expulsion {
  readonly expelled: Expelled;
  tries: number;
  isRunning: boolean;
  isAskedAgain: boolean;
  /** Calls off the next attempt. */
  cancel: () => void;
  /** When it is done, or given up. Never rejects. */
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

const nothing = (): void => {};

export class Expulsions {
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #metrics: Metrics;
  /** In the order in which they were last asked for. */
  readonly #pending = new Map<string, Expulsion>();
  /** Those of them whose turn has come. */
  readonly #due = new Set<Expulsion>();
  #running = 0;

  constructor(needs: { readonly timers: Timers; readonly log: Log; readonly metrics: Metrics }) {
    this.#timers = needs.timers;
    this.#log = needs.log;
    this.#metrics = needs.metrics;
  }

  /** Resolves when they are out, or it was given up. Never rejects. */
  expel(expelled: Expelled): Promise<void> {
    const key = keyOf(expelled);
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    const fresh = { expelled, tries: 0, isRunning: false, isAskedAgain: false, cancel: nothing, settled, settle };
    const expulsion: Expulsion = this.#pending.get(key) ?? fresh;
    this.#pending.delete(key);
    this.#pending.set(key, expulsion);
    if (this.#pending.size > pendingMax) this.#loseOldest();
    if (expulsion.isRunning) {
      expulsion.isAskedAgain = true;
      return expulsion.settled;
    }
    expulsion.cancel();
    expulsion.tries = 0;
    this.#due.add(expulsion);
    this.#runWhatMay();
    return expulsion.settled;
  }

  #runWhatMay(): void {
    for (const expulsion of this.#due) {
      if (this.#running >= atOnceMax) return;
      this.#due.delete(expulsion);
      void this.#run(expulsion);
    }
  }

  async #run(expulsion: Expulsion): Promise<void> {
    this.#running += 1;
    expulsion.isRunning = true;
    expulsion.tries += 1;
    try {
      await withinTime(this.#timers, attemptMsMax, async () => expulsion.expelled.close());
      this.#count(expulsion, 'done');
      this.#ended(expulsion, undefined);
    } catch (error) {
      this.#count(expulsion, 'failed');
      this.#ended(expulsion, error);
    }
    this.#running -= 1;
    this.#runWhatMay();
  }

  #ended(expulsion: Expulsion, error: unknown): void {
    expulsion.isRunning = false;
    const { expelled, isAskedAgain } = expulsion;
    // It was lost while it ran.
    if (this.#pending.get(keyOf(expelled)) !== expulsion) return;
    if (isAskedAgain) {
      expulsion.isAskedAgain = false;
      expulsion.tries = 0;
      this.#due.add(expulsion);
      return;
    }
    const waitMs = error === undefined ? undefined : retryMs[expulsion.tries - 1];
    if (waitMs !== undefined) {
      expulsion.cancel = this.#timers.after(waitMs, () => {
        this.#due.add(expulsion);
        this.#runWhatMay();
      });
    } else if (error === undefined) {
      this.#pending.delete(keyOf(expelled));
      expulsion.settle();
    } else this.#lose(expulsion, { code: errorCodeOf(error), tries: expulsion.tries });
  }

  #loseOldest(): void {
    for (const oldest of this.#pending.values()) return this.#lose(oldest, { pending: this.#pending.size });
  }

  #lose(expulsion: Expulsion, why: LogFields): void {
    const { expelled, cancel, settle } = expulsion;
    cancel();
    this.#pending.delete(keyOf(expelled));
    this.#due.delete(expulsion);
    this.#count(expulsion, 'lost');
    this.#log.warn({ ...expelled.fields, kind: expelled.kind, ...why }, 'connections that should end were not ended');
    settle();
  }

  #count({ expelled }: Expulsion, outcome: 'done' | 'failed' | 'lost'): void {
    this.#metrics.count('tidemark.expulsion.count', 1, { kind: expelled.kind, outcome });
  }
}

function keyOf({ kind, id }: Expelled): string {
  return `${kind} ${id}`;
}
