/** How many messages a connection may still send: a bucket that fills at a steady rate. */
import type { Clock } from '../../shared/ports/clock.ts';

export class MessageRate {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#atMs = clock.now();
  }

  /** Whether one more may come. A clock that steps back fills nothing. */
  take(): boolean {
    const nowMs = this.#clock.now();
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + (elapsedMs * this.#perSecond) / 1_000);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
