/** `--bwlimit` of the commands that move content. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { type Bandwidth, TokenBucket } from '../sdk/bandwidth.ts';
import { lowestRate, parseBwlimit, ratesAt } from './bwlimit.ts';
import type { CliContext } from './context.ts';

export const bwlimitOption = [
  '--bwlimit <rate>',
  'limit of bandwidth in KiB/s (512K, 10M:1M for up:down), or a timetable such as "08:00,512K 18:00,10M 23:00,off"',
] as const;

/** Bytes of the largest body of one request, and of those that share the line with it. */
const patienceBytes = 64 * 1024 * 1024;

function createBandwidth(text: string): Bandwidth {
  const timetable = parseBwlimit(text);
  const clock = {
    now: () => Date.now(),
    sleep: async (ms: number, signal: AbortSignal) => {
      await sleepFor(ms, undefined, { signal });
    },
  };
  const lowest = lowestRate(timetable);
  return {
    up: new TokenBucket((now) => ratesAt(timetable, now).up, clock),
    down: new TokenBucket((now) => ratesAt(timetable, now).down, clock),
    patienceMs: lowest === null ? 0 : (patienceBytes / lowest) * 1_000,
  };
}

/** The context for a command that was given `--bwlimit`; the same without it. One limit for all that goes through it. */
export function withBandwidthOption(context: CliContext, { bwlimit }: { readonly bwlimit?: string }): CliContext {
  return bwlimit === undefined ? context : { ...context, bandwidth: createBandwidth(bwlimit) };
}
