/** Time as the host sees it, injected so that tests can move it. */
export interface HostClock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Calls `run` once, `delayMs` from now at the earliest. @returns a function that cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: HostClock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
