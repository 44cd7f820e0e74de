import type { Timers } from '../../ports/clock.ts';

/** Node's, for delays below 24 days: a longer one would be over at once. */
export const systemTimers: Timers = {
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
