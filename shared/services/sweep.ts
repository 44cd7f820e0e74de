import { limits } from '../core/limits.ts';
import type { Needs } from './dependencies.ts';
import { serverTimeMs } from './server-time.ts';

export interface Swept {
  readonly sessions: number;
  readonly requests: number;
  /** Devices that were not heard of for `presenceKeptSeconds`. */
  readonly presence: number;
  /** Staged blobs whose session is over. */
  readonly staged: number;
}

/**
 * What a session may live longer than its staged blobs' times say: storage's clock is not ours, a store on disk tells a blob's time
 * to a minute only, and a list of blocks may come at the end of its URL's life.
 */
const stagedMarginMs = 3_600_000;
/** Names in one bulk delete: what Azure takes in a batch. */
const deletedAtOnce = 256;

/** Forgets upload sessions, staged blobs, stored answers and presence whose time is over. Repeating it, or two at once, is harmless. */
export async function sweep(deps: Needs<'metadata' | 'blobs' | 'clock' | 'log'>): Promise<Swept> {
  const now = serverTimeMs(deps.clock);
  const sessions = await deps.metadata.sessions.sweep(now);
  const requests = await deps.metadata.journal.sweepRequests(now);
  const presence = await deps.metadata.presence.sweep(now);
  const staged = await sweepStaged(deps, now - limits.sessionSeconds * 1_000 - stagedMarginMs);
  deps.log.info({ sessions, requests, presence, staged }, 'swept what had expired');
  return { sessions, requests, presence, staged };
}

/**
 * Deletes staged blobs that were made before `beforeMs`: nobody can name their session any more. One that was replaced since it
 * was listed goes with them; its session is over all the same. Blocks that no list took up are storage's own to forget.
 */
async function sweepStaged(deps: Needs<'blobs'>, beforeMs: number): Promise<number> {
  let count = 0;
  let names: string[] = [];
  const flush = async (): Promise<void> => {
    if (names.length > 0) await deps.blobs.deleteMany('staging', names);
    count += names.length;
    names = [];
  };
  for await (const { name, createdMs } of deps.blobs.listBlobs('staging', '')) {
    if (createdMs >= beforeMs) continue;
    names.push(name);
    if (names.length === deletedAtOnce) await flush();
  }
  await flush();
  return count;
}
