/** Debouncing: changes are looked at when they have paused, or when they have gone on for long enough. */
import { pace } from './pace.ts';

export class Quiet {
  #first: number | undefined;
  #last = 0;
  /** Since the last look. */
  changes = 0;

  note(now: number): void {
    this.#first ??= now;
    this.#last = now;
    this.changes++;
  }

  /** When to look; Infinity when nothing has changed. */
  get dueAt(): number {
    if (this.#first === undefined) return Infinity;
    return Math.min(this.#last + pace.quietMs, this.#first + pace.busyMs);
  }

  clear(): void {
    this.#first = undefined;
    this.changes = 0;
  }
}
