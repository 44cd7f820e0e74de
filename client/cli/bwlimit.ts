/**
 * `--bwlimit`, in rclone's form: a rate, or a timetable of them.
 *
 *     512K                              KiB a second, both ways; B, K, M, G; a number alone is KiB
 *     10M:1M                            up : down
 *     "08:00,512K 18:00,10M 23:00,off"  from these times of the local day on
 *     "Mon-08:00,512K Sat-00:00,off"    from these times of the week on
 *
 * An entry holds until the next one begins; before the first of the day (or week) the last one of the day (or week) before it.
 */
import type { Rate } from '../sdk/bandwidth.ts';
import { usageError } from './usage-error.ts';

export interface Rates {
  readonly up: Rate;
  readonly down: Rate;
}

interface TimetableEntry extends Rates {
  /** Minutes since Sunday, 00:00, local time. */
  readonly minute: number;
}

/** One entry or more, ascending; the week is a ring. */
export type Timetable = readonly [TimetableEntry, ...TimetableEntry[]];

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const minutesOfDay = 24 * 60;
const unitBytes: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
/** Below this a single answer of the server takes minutes. */
const rateMin = 1_024;

function malformed(text: string, why: string): Error {
  const form = 'such as 512K, 10M:1M (up:down) or "08:00,512K 18:00,10M 23:00,off"';
  return usageError(`--bwlimit "${text}" is not understood: ${why}; give a rate or a timetable, ${form}`);
}

function parseRate(text: string, all: string): Rate {
  if (text.toLowerCase() === 'off') return null;
  const match = /^(\d+(?:\.\d+)?)([bkmg]?)(?:i?b)?(?:\/s)?$/i.exec(text);
  if (match === null) throw malformed(all, `"${text}" is no rate`);
  const rate = Math.round(Number(match[1]) * unitBytes[(match[2] || 'k').toLowerCase()]!);
  if (rate === 0) return null;
  if (rate < rateMin) throw malformed(all, 'less than 1K a second would never end');
  return rate;
}

function parseRates(text: string, all: string): Rates {
  if (/^\d\d:\d\d$/.test(text)) throw malformed(all, `"${text}" is a time without a rate`);
  const [up = '', down = up, ...rest] = text.split(':');
  if (rest.length > 0) throw malformed(all, `"${text}" has more than two rates`);
  return { up: parseRate(up, all), down: parseRate(down, all) };
}

function parseEntry(text: string, all: string): TimetableEntry[] {
  const match = /^(?:([a-z]{3})[a-z]*-)?(\d{1,2}):(\d{2}),(.+)$/i.exec(text);
  if (match === null) throw malformed(all, `"${text}" is no time and rate`);
  const [, day, hour, minute, rates] = match;
  const at = Number(hour) * 60 + Number(minute);
  if (at >= minutesOfDay || Number(minute) > 59) throw malformed(all, `there is no time ${hour}:${minute}`);
  const parsed = parseRates(rates!, all);
  const weekday = day === undefined ? undefined : days.indexOf(day.toLowerCase());
  if (weekday === -1) throw malformed(all, `there is no day "${day}"`);
  const on = weekday === undefined ? days.map((_, i) => i) : [weekday];
  return on.map((i) => ({ ...parsed, minute: i * minutesOfDay + at }));
}

/** Throws `malformed`, with examples. */
export function parseBwlimit(text: string): Timetable {
  const words = text.trim().split(/\s+/);
  const isRate = words.length === 1 && !words[0]!.includes(',');
  const entries = isRate
    ? [{ ...parseRates(words[0]!, text), minute: 0 }]
    : words.flatMap((word) => parseEntry(word, text)).sort((a, b) => a.minute - b.minute);
  const [first, ...rest] = entries;
  if (first === undefined) throw malformed(text, 'it is empty');
  return [first, ...rest];
}

/** What holds at a time, by the clock on the wall here: a change to summer time moves it along. */
export function ratesAt(timetable: Timetable, ms: number): Rates {
  const date = new Date(ms);
  const minute = date.getDay() * minutesOfDay + date.getHours() * 60 + date.getMinutes();
  return timetable.findLast((entry) => entry.minute <= minute) ?? timetable.at(-1)!;
}

/** The lowest limit that ever holds; null when none does. */
export function lowestRate(timetable: Timetable): Rate {
  const rates = timetable.flatMap(({ up, down }) => [up, down]).filter((rate) => rate !== null);
  return rates.length === 0 ? null : Math.min(...rates);
}
