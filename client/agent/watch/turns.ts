/** Turns at one folder: its own syncs and what commands ask of it go one after the other, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether somebody has the turn, or waits for it. */
  get isTaken(): boolean {
    return this.#waiting > 0;
  }

  /** Runs `work` when those before it have ended, however they ended. `signal`: gives up the turn while it is waited for, and only then. */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    const mine = before.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    this.#last = mine.catch(() => undefined);
    this.#waiting++;
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }
}
