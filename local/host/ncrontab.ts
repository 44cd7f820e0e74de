/**
 * NCRONTAB, the six fields of timer triggers: second, minute, hour, day of month, month, day of week; with five fields
 * the second is 0. A field is `*`, a number, a name (JAN, SUN), a range `a-b`, each with an optional step `/n`, or a list
 * of those. As in the NCrontab library, and unlike Unix cron, a day must match day of month AND day of week. Times are
 * UTC, as in Azure without WEBSITE_TIME_ZONE.
 *
 * Example: `0 30 9-17/4 * * MON-FRI` fires at 9:30, 13:30 and 17:30 on working days.
 */
import { TidemarkError } from '../../shared/core/errors.ts';

interface FieldRange {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of min, min + 1, … */
  readonly names?: readonly string[];
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const fieldRanges: readonly FieldRange[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: monthNames },
  { name: 'day of week', min: 0, max: 6, names: dayNames },
];

const dayMs = 86_400_000;

/** 29 February falls on a given weekday every 28 years, or 40 across a century that is no leap year. */
const searchDaysMax = 41 * 366;

export interface Ncrontab {
  /** The first match after `afterMs` (UTC milliseconds), in whole seconds. @returns undefined if there never is one. */
  next(afterMs: number): number | undefined;
}

/** @throws TidemarkError `malformed`, naming the field. */
export function parseNcrontab(text: string): Ncrontab {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    throw new TidemarkError(
      'malformed',
      `The schedule "${text}" needs 6 fields: {second} {minute} {hour} {day} {month} {day of week}.`,
    );
  }
  const texts = fields.length === 5 ? ['0', ...fields] : fields;
  const [seconds = [], minutes = [], hours = [], days, months, weekdays] = fieldRanges.map((range, index) =>
    parseField(texts[index] ?? '', range),
  );
  const timesOfDay = { seconds, minutes, hours };
  const isDay = (date: Date): boolean =>
    days?.includes(date.getUTCDate()) === true &&
    months?.includes(date.getUTCMonth() + 1) === true &&
    weekdays?.includes(date.getUTCDay()) === true;
  return { next: (afterMs) => findNext(afterMs, isDay, timesOfDay) };
}

interface TimesOfDay {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
}

function findNext(afterMs: number, isDay: (date: Date) => boolean, times: TimesOfDay): number | undefined {
  const from = Math.floor(afterMs / 1_000) * 1_000 + 1_000;
  const firstDay = Math.floor(from / dayMs) * dayMs;
  for (let index = 0; index < searchDaysMax; index++) {
    const day = firstDay + index * dayMs;
    if (!isDay(new Date(day))) continue;
    const second = firstTimeFrom(Math.max(from - day, 0) / 1_000, times);
    if (second !== undefined) return day + second * 1_000;
  }
  return undefined;
}

/** The first second of the day, at or after `from`, that the times allow. */
function firstTimeFrom(from: number, { seconds, minutes, hours }: TimesOfDay): number | undefined {
  for (const hour of hours) {
    if (hour * 3_600 + 3_599 < from) continue;
    for (const minute of minutes) {
      const start = hour * 3_600 + minute * 60;
      if (start + 59 < from) continue;
      const second = seconds.find((candidate) => start + candidate >= from);
      if (second !== undefined) return start + second;
    }
  }
  return undefined;
}

/** @returns the allowed values, ascending. */
function parseField(text: string, range: FieldRange): readonly number[] {
  const values = new Set(text.split(',').flatMap((part) => parsePart(part, range)));
  return [...values].sort((a, b) => a - b);
}

function parsePart(text: string, range: FieldRange): readonly number[] {
  const parts = /^(?:(?<star>\*)|(?<from>\w+)(?:-(?<to>\w+))?)(?:\/(?<step>\d{1,2}))?$/.exec(text)?.groups;
  if (parts === undefined) throw fieldError(text, range);
  const step = Number(parts['step'] ?? 1);
  const from = parts['from'] === undefined ? range.min : parseValue(parts['from'], range);
  const open = parts['from'] === undefined || (parts['to'] === undefined && parts['step'] !== undefined);
  const to = open ? range.max : parseValue(parts['to'] ?? parts['from'] ?? '', range);
  if (step === 0 || from > to) throw fieldError(text, range);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function parseValue(text: string, range: FieldRange): number {
  const named = range.names?.indexOf(text.toUpperCase().slice(0, 3)) ?? -1;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : named >= 0 ? named + range.min : Number.NaN;
  if (!(value >= range.min && value <= range.max)) throw fieldError(text, range);
  return value;
}

function fieldError(text: string, range: FieldRange): TidemarkError {
  return new TidemarkError('malformed', `"${text}" is not a ${range.name} of a schedule (${range.min}-${range.max}).`);
}
