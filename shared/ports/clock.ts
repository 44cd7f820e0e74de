/** The host's clock. Injected everywhere, so that tests and the simulation own time. */
export interface Clock {
  /** Milliseconds since 1970. May step either way: nothing is ordered by it. */
  now(): number;
}

/** Calls later. Injected likewise; its time need not be the wall clock's. */
export interface Timers {
  /** Calls `run` once, in `delayMs` milliseconds. Returns how to call it off. */
  after(delayMs: number, run: () => void): () => void;
}
