import type { HostClock } from '../../../local/host/host-clock.ts';

/** A clock that stands still until a test moves it. */
export interface FakeClock extends HostClock {
  /** Moves time, calling on the way what falls due, in order, and letting promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Moves time without calling anything on the way, as when a machine sleeps; what fell due is then called. */
  sleep(ms: number): Promise<void>;
  readonly armed: number;
}

export function createFakeClock(startMs: number): FakeClock {
  let now = startMs;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const nextUpTo = (limit: number) => [...timers].filter((timer) => timer.at <= limit).sort((a, b) => a.at - b.at)[0];
  const runUpTo = async (limit: number, moves: boolean): Promise<void> => {
    await settle();
    for (let timer = nextUpTo(limit); timer !== undefined; timer = nextUpTo(limit)) {
      timers.delete(timer);
      if (moves) now = Math.max(now, timer.at);
      timer.run();
      await settle();
    }
  };
  return {
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const end = now + ms;
      await runUpTo(end, true);
      now = end;
    },
    async sleep(ms) {
      now += ms;
      await runUpTo(now, false);
    },
    get armed() {
      return timers.size;
    },
  };
}
