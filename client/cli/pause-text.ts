/** Durations and times of a pause, as people write and read them. */
import type { Pause } from '../agent/watch/pause.ts';
import { usageError } from './usage-error.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `1h30m`, `7d` in milliseconds. Throws `malformed`. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  const length = parts.reduce((sum, [all]) => sum + all.length, 0);
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * unitMs[unit!]!, 0);
  if (length === text.length && ms > 0) return ms;
  throw usageError(`"${text}" is not a duration, such as 30m, 2h or 1h30m`);
}

/** Local time, to the second. */
export function timeToText(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE');
}

export function pauseToText({ untilMs }: Pause): string {
  return untilMs === null ? 'until `tide resume`' : `until ${timeToText(untilMs)}`;
}
