import type { Timers } from '../../shared/ports/clock.ts';

export interface ManualTimers extends Timers {
  /** Runs what is due by then, in the order of its times, with what that sets. */
  advance(milliseconds: number): void;
  /** Calls that were neither made nor called off. */
  readonly pending: number;
  /** Milliseconds that have passed; during a call that was due, those until then. */
  readonly nowMs: number;
}

/** Time passes when the test says so. */
export function createManualTimers(): ManualTimers {
  let nowMs = 0;
  const waiting = new Set<{ readonly dueMs: number; readonly run: () => void }>();

  function nextBy(endMs: number) {
    return [...waiting].filter(({ dueMs }) => dueMs <= endMs).sort((one, other) => one.dueMs - other.dueMs)[0];
  }

  return {
    after: (delayMs, run) => {
      const entry = { dueMs: nowMs + delayMs, run };
      waiting.add(entry);
      return () => void waiting.delete(entry);
    },
    advance: (milliseconds) => {
      const endMs = nowMs + milliseconds;
      for (let next = nextBy(endMs); next !== undefined; next = nextBy(endMs)) {
        waiting.delete(next);
        nowMs = Math.max(nowMs, next.dueMs);
        next.run();
      }
      nowMs = endMs;
    },
    get pending() {
      return waiting.size;
    },
    get nowMs() {
      return nowMs;
    },
  };
}
