/** Time that moves only when a test says so. */
import type { Timers } from '../../../client/agent/watch/timers.ts';

interface Waiting {
  readonly at: number;
  readonly work: () => void;
}

export class VirtualTime implements Timers {
  #now = 0;
  #wallAhead = Date.UTC(2026, 10, 22, 10);
  readonly #waiting = new Set<Waiting>();
  /** What `random` gives. */
  chance = 0.5;

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.#wallAhead;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, work: () => void): () => void {
    const waiting = { at: this.#now + ms, work };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** The machine sleeps: the wall clock goes on, ours does not. */
  sleep(ms: number): void {
    this.#wallAhead += ms;
  }

  /** Lets everything that can go on without time go on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = [...this.#waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.work();
      await this.settle();
    }
    this.#now = end;
  }
}
