/** Time and chance of this machine. */
import type { Timers } from '../agent/watch/timers.ts';

export const systemTimers: Timers = {
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};
