import type { Clock } from '../../shared/ports/clock.ts';

export interface ManualClock extends Clock {
  readonly advance: (milliseconds: number) => void;
}

/** A clock that stands still until it is moved. Starts on 2026-11-22T10:00:00Z. */
export function createManualClock(startMs = Date.UTC(2026, 10, 22, 10)): ManualClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance: (milliseconds) => {
      nowMs += milliseconds;
    },
  };
}
