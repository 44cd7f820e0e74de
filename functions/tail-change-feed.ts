import { app } from '@azure/functions';
import { bytesToHex } from '../shared/core/bytes.ts';
import { repairIndexes } from '../shared/services/feed/index-repair.ts';
import { serverTimeMs } from '../shared/services/server-time.ts';
import { tailChangeFeed } from '../shared/services/tail-change-feed.ts';
import { type GetService, runOnService } from './service.ts';

/** Every minute, off the full one, when everybody's timers fire. */
const schedule = '23 * * * * *';
/** No page is begun after this; a page takes seconds. */
const runMs = 45_000;

/**
 * The safety net under blob events: what they lost is verified, what storage lost is noticed, and indexes that this left with gaps are
 * repaired. Throws when a shard could not go on; the next run tries again.
 */
export function registerTailChangeFeed(getService: GetService): void {
  app.timer('tailChangeFeed', {
    schedule,
    handler: () =>
      runOnService(getService, async (deps) => {
        const run = { owner: bytesToHex(deps.randomness.bytes(16)), deadlineMs: serverTimeMs(deps.clock) + runMs };
        try {
          const { packs, changes, unsettled } = await tailChangeFeed(deps, run);
          deps.log.debug({ changes, unsettled, ...packs }, 'followed the change feed');
        } finally {
          await repairIndexes(deps, run);
        }
      }),
  });
}
