/**
 * Follows the change feed of storage: what events lost is verified, and what was deleted or replaced behind our back is noticed.
 *
 * The packs are dealt out to four shards by the first byte of their id. Each shard is a lease with a cursor, and reads the
 * whole feed for its own packs; so up to four workers go on at once, on one machine or on many, and each shard's changes are
 * taken in order by one of them at a time.
 *
 * The cursor is saved only after everything that follows from the page is done. So a worker that dies in between has its page
 * done again by the next one, which is harmless, because `settlePack` looks at what is there and not at what the feed says. A
 * worker that slept past its lease can do no more harm either: the epoch that it holds is not the lease's any more, its
 * cursor is not taken, and it stops.
 *
 * A store may tell of a change in the moment before it can be seen. So a page with changes of the last seconds is done, and done
 * again by the next run; the cursor passes it once all of them are settled.
 *
 * A cursor that the feed does not know (too old, or of another store) starts the shard again from the feed's beginning.
 *
 * A pack that cannot be settled (its blob cannot be read) stops nobody: it is put into the queue `unsettled`, whose function tries
 * it again, and the cursor passes it. Only when it cannot be queued, or no pack of a page can be settled, which may mean that storage
 * itself is away, the shard stays where it is, the latter for an hour at most (feed/settle-page.ts says why).
 */
import { isTidemarkError } from '../core/errors.ts';
import type { BlobChange, ChangeFeedPage } from '../ports/change-feed.ts';
import type { Lease } from '../ports/lease-store.ts';
import type { Needs } from './dependencies.ts';
import { type PageTask, settlePage } from './feed/settle-page.ts';
import { type PackState, type SettleNeeds, settlePack } from './feed/settle-pack.ts';
import { parsePackBlobName, parseStagedPackName } from './pack-name.ts';
import { serverTimeMs } from './server-time.ts';
import type { NamedPack } from './verify-pack.ts';
import { verifyStagedPackOfSession } from './verify-staged-pack.ts';

/** First byte of the pack id, as hex, from and to, both included. */
export const feedShards = ['00-3f', '40-7f', '80-bf', 'c0-ff'] as const;
export type FeedShard = (typeof feedShards)[number];

export const feedLeasePrefix = 'change-feed/';

/** Longer than a page takes: at most 200 packs are verified, four at once. */
const leaseSeconds = 300;
const pageChanges = 200;
/** A change this old can be seen. */
const settledMs = 5_000;
/** A change that claims to be further ahead than this has a wrong clock, and is waited for by nobody. */
const aheadMsMax = 60_000;

export type TailNeeds = SettleNeeds & Needs<'changeFeed'>;

export interface TailInput {
  /** Names this run: random. */
  readonly owner: string;
  /** No page is begun after this time. */
  readonly deadlineMs: number;
}

export interface TailReport {
  /** Shards whose feed was followed to its end. */
  readonly shards: number;
  readonly changes: number;
  readonly packs: Readonly<Record<PackState, number>>;
  /** Packs that came in blocks and were looked at; what became of them is told by `packs` later, since they come to `chunks`. */
  readonly staged: number;
  /** Packs that could not be settled now and were put into the queue `unsettled`. */
  readonly unsettled: number;
}

interface Tally {
  shards: number;
  changes: number;
  staged: number;
  unsettled: number;
  readonly packs: Record<PackState, number>;
}

/** Follows every shard that is free. Throws the first failure once all shards have been tried: the next run goes on from there. */
export async function tailChangeFeed(deps: TailNeeds, input: TailInput): Promise<TailReport> {
  const packs = { absent: 0, intact: 0, verified: 0, rejected: 0, lost: 0, replaced: 0, removed: 0 };
  const tally: Tally = { shards: 0, changes: 0, staged: 0, unsettled: 0, packs };
  const failures: unknown[] = [];
  for (const shard of feedShards) {
    const name = `${feedLeasePrefix}${shard}`;
    const lease = await deps.metadata.leases.acquire(name, input.owner, serverTimeMs(deps.clock), leaseSeconds);
    if (lease === undefined) continue;
    try {
      await followShard(deps, input, shard, lease, tally);
    } catch (error) {
      deps.log.error({ shard, error: String(error) }, 'a shard of the change feed could not be followed');
      failures.push(error);
    }
    await deps.metadata.leases.release(lease);
  }
  if (failures.length > 0) throw failures[0];
  return tally;
}

async function followShard(
  deps: TailNeeds,
  input: TailInput,
  shard: FeedShard,
  first: Lease,
  tally: Tally,
): Promise<void> {
  let lease = first;
  while (serverTimeMs(deps.clock) < input.deadlineMs) {
    const askedMs = serverTimeMs(deps.clock);
    const page = await readPage(deps, shard, lease.cursor);
    const lastMs = Math.max(0, ...page.changes.map(({ timeMs }) => timeMs).filter((ms) => ms <= askedMs + aheadMsMax));
    const isFresh = lastMs > askedMs - settledMs;
    const isEnd = isFresh || page.cursor === null || page.cursor === lease.cursor;
    const tasks = tasksOfPage(deps, page.changes, shard, tally);
    tally.unsettled += await settlePage(deps, tasks, { isPassed: !isEnd, lastMs });
    tally.changes += page.changes.length;
    if (!isEnd) {
      const expiresMs = serverTimeMs(deps.clock) + leaseSeconds * 1_000;
      if ((await deps.metadata.leases.save(lease, page.cursor, expiresMs)) === 'lost') {
        deps.log.warn({ shard }, 'another worker has taken the shard over');
        return;
      }
      lease = { ...lease, cursor: page.cursor, expiresMs };
    }
    if (isEnd || page.changes.length === 0) {
      tally.shards++;
      return;
    }
  }
}

async function readPage(deps: TailNeeds, shard: FeedShard, cursor: string | null): Promise<ChangeFeedPage> {
  try {
    return await deps.changeFeed.read(cursor, pageChanges);
  } catch (error) {
    if (cursor === null || !isTidemarkError(error, 'malformed')) throw error;
    deps.log.warn(
      { shard, error: error.message },
      'the change feed does not know the cursor: from its beginning again',
    );
    return deps.changeFeed.read(null, pageChanges);
  }
}

/** Whether the shard takes care of this pack. */
export function isOfShard(shard: FeedShard, { packId }: NamedPack): boolean {
  const first = packId.slice(0, 2);
  return shard.slice(0, 2) <= first && first <= shard.slice(3);
}

/**
 * What is to be done about a page, for this shard: each pack that it tells of, once, since what is done depends on what is there and
 * not on how often it is told; and each pack that was put together from blocks in `staging`.
 */
function tasksOfPage(
  deps: TailNeeds,
  changes: readonly BlobChange[],
  shard: FeedShard,
  tally: Tally,
): readonly PageTask[] {
  const tasks = new Map<string, PageTask>();
  for (const { container, name, kind } of changes) {
    const pack = container === 'chunks' ? parsePackBlobName(name) : undefined;
    if (pack !== undefined && isOfShard(shard, pack)) {
      tasks.set(name, {
        pack,
        run: async () => {
          const state = await settlePack(deps, pack);
          tally.packs[state]++;
        },
      });
    }
    const staged = container === 'staging' && kind === 'created' ? parseStagedPackName(name) : undefined;
    if (staged !== undefined && isOfShard(shard, staged)) {
      tasks.set(name, {
        pack: staged,
        run: async () => {
          await verifyStagedPackOfSession(deps, staged);
          tally.staged++;
        },
      });
    }
  }
  return [...tasks.values()];
}
