/** When a sync that failed, or did not come to its end, is tried again: later and later, until one goes well. */
import type { SyncReport } from '../engine/report.ts';
import type { Failure } from './failure.ts';
import { aboutMs, backoffMs, pace } from './pace.ts';
import type { Timers } from './timers.ts';

export class Retries {
  readonly #timers: Timers;
  #failures = 0;
  /** Monotonic milliseconds; Infinity for never. */
  at = Infinity;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** What failed before says nothing about the next try. */
  forget(): void {
    this.#failures = 0;
  }

  /** What may pass by itself in the folder is tried again like a failure; what does not fit on the disk, at a fixed interval. */
  planAfter({ upToDate, problems }: SyncReport): void {
    const now = this.#timers.now();
    const isFull = problems.some(({ code }) => code === 'full');
    const passes = problems.every(({ code }) => code === 'busy' || code === 'blocked');
    if (isFull) this.at = now + aboutMs(pace.absentMs, this.#timers.random());
    else if (!upToDate && passes) this.at = now + this.#laterMs(0);
    else this.#failures = 0;
  }

  /** Returns the wait, in milliseconds. */
  planAfterFailure(failure: Extract<Failure, { kind: 'passing' | 'refused' }>): number {
    const waitMs =
      failure.kind === 'refused' ? aboutMs(failure.everyMs, this.#timers.random()) : this.#laterMs(failure.askedMs);
    this.at = this.#timers.now() + waitMs;
    return waitMs;
  }

  #laterMs(askedMs: number): number {
    return backoffMs(++this.#failures, askedMs, this.#timers.random());
  }
}
