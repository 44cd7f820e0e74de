import type { Lease } from '../../ports/lease-store.ts';
import type { Needs } from '../dependencies.ts';
import { repairLeasePrefix } from '../feed/index-repair.ts';
import { serverTimeMs } from '../server-time.ts';
import { feedLeasePrefix, feedShards } from '../tail-change-feed.ts';

export interface LeaseStatus {
  readonly name: string;
  readonly isHeld: boolean;
  readonly epoch: number;
  readonly expiresMs: number;
  /** Where the work has come to; null before its first step. */
  readonly cursor: string | null;
}

export interface FeedStatus {
  /** One for each shard of the change feed, also of those that nobody has begun. */
  readonly shards: readonly LeaseStatus[];
  /** Repairs of chunk indexes; those with the cursor `done` are finished. */
  readonly repairs: readonly LeaseStatus[];
}

/** How far the change feed has been followed, and which indexes wait for repair. */
export async function feedStatus(deps: Needs<'metadata' | 'clock'>): Promise<FeedStatus> {
  const now = serverTimeMs(deps.clock);
  const toStatus = ({ name, owner, epoch, expiresMs, cursor }: Lease): LeaseStatus => ({
    name,
    isHeld: owner !== '' && expiresMs > now,
    epoch,
    expiresMs,
    cursor,
  });
  const known = new Map(
    (await deps.metadata.leases.list(feedLeasePrefix)).map((lease) => [lease.name, toStatus(lease)]),
  );
  const shards = feedShards.map((shard) => {
    const name = `${feedLeasePrefix}${shard}`;
    return known.get(name) ?? { name, isHeld: false, epoch: 0, expiresMs: 0, cursor: null };
  });
  const repairs = await deps.metadata.leases.list(repairLeasePrefix);
  return { shards, repairs: repairs.map(toStatus) };
}
