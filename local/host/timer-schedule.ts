/** A timer trigger's schedule: an NCRONTAB expression, or a constant interval written as a .NET TimeSpan. */
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseNcrontab } from './ncrontab.ts';
import { parseTimeSpan } from './time-span.ts';

export interface TimerSchedule {
  /** The next time after `afterMs`, in UTC milliseconds. @returns undefined if there is none. */
  next(afterMs: number): number | undefined;
}

/**
 * @param text `0 0 3 * * *`, or `00:00:30`, `1.00:00:00`.
 * @throws TidemarkError `malformed`. Hours over 23 are refused: .NET would read `24:00:00` as 24 days.
 */
export function parseTimerSchedule(text: string): TimerSchedule {
  return text.includes(':') ? parseInterval(text) : parseNcrontab(text);
}

function parseInterval(text: string): TimerSchedule {
  const ms = parseTimeSpan(text) ?? 0;
  if (ms === 0) {
    throw new TidemarkError(
      'malformed',
      `"${text}" is not an interval; write [days.]hours:minutes:seconds with hours below 24.`,
    );
  }
  return { next: (afterMs) => afterMs + ms };
}
