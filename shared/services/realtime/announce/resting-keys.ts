import type { Timers } from '../../../ports/clock.ts';

/**
 * Keys under which something was sent a moment ago, and nothing more is sent yet. When there are too many, the one that has rested longest is
 * free before its time: then somebody is told a little more often.
 */
export class RestingKeys {
  readonly #timers: Timers;
  readonly #restMs: number;
  readonly #max: number;
  readonly #freed: (key: string) => void;
  /** How to call off the end of each rest, in the order in which they began. */
  readonly #cancels = new Map<string, () => void>();

  /** `freed` is called with each key whose rest is over. */
  constructor(timers: Timers, restMs: number, max: number, freed: (key: string) => void) {
    this.#timers = timers;
    this.#restMs = restMs;
    this.#max = max;
    this.#freed = freed;
  }

  has(key: string): boolean {
    return this.#cancels.has(key);
  }

  /** The key does not rest yet. */
  begin(key: string): void {
    this.#cancels.set(
      key,
      this.#timers.after(this.#restMs, () => this.#end(key)),
    );
    if (this.#cancels.size <= this.#max) return;
    for (const [oldest, cancel] of this.#cancels) {
      cancel();
      return this.#end(oldest);
    }
  }

  #end(key: string): void {
    this.#cancels.delete(key);
    this.#freed(key);
  }
}
