/** Latencies as percentiles: the nearest-rank definition, so that each is a latency that was really measured. */

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Throws on an empty list. */
export function percentilesOf(milliseconds: readonly number[]): Percentiles {
  if (milliseconds.length === 0) throw new RangeError('no latency was measured');
  const sorted = Float64Array.from(milliseconds).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1) };
}
