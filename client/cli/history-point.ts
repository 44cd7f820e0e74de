/**
 * Points of history as people write them. A whole number is a commit; everything else is a time:
 *
 *     now                                    the newest commit
 *     12                                     after commit 12
 *     90s 30m 2h 3d 1w, also "2h ago"        so long ago
 *     today, yesterday, yesterday 14:30      that day's beginning, or that time of it
 *     14:30                                  today
 *     2026-11-20, 2026-11-20 14:30[:15]      that day's beginning, or that time of it
 *     2026-11-20T14:30:15+01:00, …Z          RFC 3339, and as times are shown: 2026-11-20 14:30:15 +01:00
 *
 * Times without an offset are those of this machine's zone. What was meant is always shown again with its offset.
 */
import type { HistoryPoint } from '../agent/history/history.ts';
import { usageError } from './usage-error.ts';

/** A calendar: the machine's, or a fixed one in tests. Months from 1. */
export interface LocalZone {
  toMs(year: number, month: number, day: number, hour: number, minute: number, second: number): number;
  /** Minutes that local time is ahead of UTC at a moment. */
  offsetMinutes(ms: number): number;
}

export const systemZone: LocalZone = {
  toMs: (year, month, day, hour, minute, second) => {
    const date = new Date(2000, month - 1, day, hour, minute, second);
    // By itself: `new Date(99, …)` means 1999.
    date.setFullYear(year, month - 1, day);
    return date.getTime();
  },
  offsetMinutes: (ms) => -new Date(ms).getTimezoneOffset(),
};

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

const seqForm = /^\d{1,15}$/;
const agoForm = /^(\d{1,6})\s*(s|m|h|d|w)(?:\s+ago)?$/;
const dayForm = /^(today|yesterday|\d{4}-\d{2}-\d{2})(?:[ t](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const clockForm = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const absoluteForm = /^(\d{4}-\d{2}-\d{2})[ t](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})? ?(z|[+-]\d{2}:\d{2})$/;

/** Undefined when the text is no point. */
export function getPoint(text: string, nowMs: number, zone: LocalZone): HistoryPoint | undefined {
  const clean = text.trim().toLowerCase();
  if (clean === 'now') return 'now';
  if (seqForm.test(clean)) return { seq: Number(clean) };
  const timeMs = textToMs(clean, nowMs, zone);
  return timeMs === undefined || Number.isNaN(timeMs) ? undefined : { timeMs };
}

/** Throws `malformed`, with examples. */
export function parsePoint(text: string, nowMs: number, zone: LocalZone = systemZone): HistoryPoint {
  const point = getPoint(text, nowMs, zone);
  if (point !== undefined) return point;
  throw usageError(
    `"${text}" is no point of the history: a commit such as 12, or a time such as 2h, yesterday, "2026-11-20 14:30"`,
  );
}

/** As parsePoint, for what must be a time: milliseconds since 1970. */
export function parseTime(text: string, nowMs: number, zone: LocalZone = systemZone): number {
  const point = getPoint(text, nowMs, zone);
  if (point === 'now') return nowMs;
  if (point !== undefined && 'timeMs' in point) return point.timeMs;
  throw usageError(`"${text}" is no time: such as 2h, yesterday, 2026-11-20, "2026-11-20 14:30"`);
}

function textToMs(clean: string, nowMs: number, zone: LocalZone): number | undefined {
  const ago = agoForm.exec(clean);
  if (ago !== null) return nowMs - Number(ago[1]) * unitMs[ago[2]!]!;
  const absolute = absoluteForm.exec(clean);
  if (absolute !== null) return absoluteToMs(absolute);
  const clock = clockForm.exec(clean);
  if (clock !== null) return dayToMs('today', clock.slice(1), nowMs, zone);
  const day = dayForm.exec(clean);
  return day === null ? undefined : dayToMs(day[1]!, day.slice(2), nowMs, zone);
}

function absoluteToMs(match: RegExpExecArray): number | undefined {
  const [, day = '', hour, minute, second, fraction = '', offset = ''] = match;
  if (!isTimeOfDay(Number(hour), Number(minute), Number(second)) || !isDay(day)) return undefined;
  return Date.parse(`${day}T${hour}:${minute}:${second}${fraction}${offset.toUpperCase()}`);
}

function dayToMs(
  day: string,
  [hour = '0', minute = '0', second = '0']: readonly (string | undefined)[],
  nowMs: number,
  zone: LocalZone,
): number | undefined {
  const time = [Number(hour), Number(minute), Number(second)] as const;
  if (!isTimeOfDay(...time)) return undefined;
  if (day !== 'today' && day !== 'yesterday') {
    const [year, month, date] = day.split('-').map(Number) as [number, number, number];
    return isDay(day) ? zone.toMs(year, month, date, ...time) : undefined;
  }
  const local = new Date(nowMs + zone.offsetMinutes(nowMs) * 60_000);
  const back = day === 'yesterday' ? 1 : 0;
  // The calendar takes a day 0 for the last one of the month before.
  return zone.toMs(local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate() - back, ...time);
}

function isTimeOfDay(hour: number, minute: number, second: number): boolean {
  return hour < 24 && minute < 60 && second < 60;
}

/** Whether the calendar has this day: no 31st of February. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

/** Local time with its offset: `2026-11-20 14:30:15 +01:00`. */
export function timeToText(ms: number, zone: LocalZone = systemZone): string {
  const offset = zone.offsetMinutes(ms);
  const local = new Date(ms + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${local} ${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`;
}

export interface PathAtPoint {
  readonly path: string;
  readonly point: HistoryPoint | undefined;
}

/** `report.txt@12` as a path and a point; undefined when what follows the last `@` is none, so that `me@home.txt` is a name. */
export function splitPoint(text: string, nowMs: number, zone: LocalZone = systemZone): PathAtPoint {
  const at = text.lastIndexOf('@');
  const point = at <= 0 ? undefined : getPoint(text.slice(at + 1), nowMs, zone);
  return point === undefined ? { path: text, point } : { path: text.slice(0, at), point };
}
