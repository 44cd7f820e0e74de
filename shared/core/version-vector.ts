/**
 * Version vectors (Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", 1983): for each device, how
 * many changes of the node it made. Values are immutable and sorted by device id, so equal vectors have equal bytes.
 *
 * Worked example: {a:2, b:1} is after {a:1, b:1} (it has seen that and more) and concurrent with {a:1, b:2}; both merge to
 * {a:2, b:2}, which has seen both.
 */
import type { DeviceId } from './ids.ts';

export type VersionVector = readonly (readonly [device: DeviceId, counter: number])[];

export const emptyVersion: VersionVector = [];

export type VersionOrder = 'equal' | 'before' | 'after' | 'concurrent';

/** The device's counter; 0 where it is not listed. */
export function counterOf(version: VersionVector, device: DeviceId): number {
  for (const [id, counter] of version) if (id === device) return counter;
  return 0;
}

/** How `a` stands to `b`: `after` means that `a` has seen all of `b` and more. */
export function compareVersions(a: VersionVector, b: VersionVector): VersionOrder {
  let aHasMore = false;
  let bHasMore = false;
  for (const [device, counter] of a) if (counter > counterOf(b, device)) aHasMore = true;
  for (const [device, counter] of b) if (counter > counterOf(a, device)) bHasMore = true;
  if (aHasMore) return bHasMore ? 'concurrent' : 'after';
  return bHasMore ? 'before' : 'equal';
}

/** Whether `a` has seen everything in `b` (equal counts). */
export function dominates(a: VersionVector, b: VersionVector): boolean {
  const order = compareVersions(a, b);
  return order === 'equal' || order === 'after';
}

/** The least vector that has seen both. Commutative, associative, idempotent. */
export function mergeVersions(a: VersionVector, b: VersionVector): VersionVector {
  const counters = new Map<DeviceId, number>(a);
  for (const [device, counter] of b) counters.set(device, Math.max(counter, counters.get(device) ?? 0));
  return sorted(counters);
}

/** The vector after one more change by `device`. */
export function countUp(version: VersionVector, device: DeviceId): VersionVector {
  const counters = new Map<DeviceId, number>(version);
  counters.set(device, counterOf(version, device) + 1);
  return sorted(counters);
}

function sorted(counters: ReadonlyMap<DeviceId, number>): VersionVector {
  return [...counters].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
