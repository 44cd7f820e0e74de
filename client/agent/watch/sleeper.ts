/** Waiting for a time, or for something to happen, and noticing that the machine slept meanwhile. */
import { pace } from './pace.ts';
import type { Timers } from './timers.ts';

/** `slept`: the wall clock ran far ahead of ours, as it does while a laptop is closed. */
export type Woken = 'time' | 'stirred' | 'slept';

export class Sleeper {
  readonly #timers: Timers;
  #end: ((woken: 'stirred') => void) | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Ends the wait that is going on; without one it does nothing, so whoever waits looks at everything first. */
  stir(): void {
    this.#end?.('stirred');
  }

  /** Until `at` (monotonic; Infinity waits for a stir), in pieces no longer than a heartbeat. */
  async until(at: number): Promise<Woken> {
    for (;;) {
      const left = at - this.#timers.now();
      const woken = await this.#piece(Math.max(0, Math.min(left, pace.heartbeatMs)));
      if (woken !== 'time' || this.#timers.now() >= at) return woken;
    }
  }

  #piece(ms: number): Promise<Woken> {
    const timers = this.#timers;
    const before = { now: timers.now(), wall: timers.wall() };
    return new Promise((resolve) => {
      const end = (woken: 'time' | 'stirred'): void => {
        callOff();
        this.#end = undefined;
        const ahead = timers.wall() - before.wall - (timers.now() - before.now);
        resolve(ahead > pace.sleptMs ? 'slept' : woken);
      };
      const callOff = timers.after(ms, () => end('time'));
      this.#end = end;
    });
  }
}
