import type { Clock } from '../ports/clock.ts';

/** The clock's time as records hold it: whole milliseconds, never negative, whatever the clock says. */
export function serverTimeMs(clock: Clock): number {
  const now = Math.floor(clock.now());
  return Number.isSafeInteger(now) && now > 0 ? now : 0;
}
