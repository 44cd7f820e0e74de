/**
 * What a message of the queue `quarantine` leads to: the blob is really in quarantine, it is recorded, and the people who
 * run this hear of it. At least once, in any order, long after: all of it may be repeated.
 *
 * The message is only a reason to look (quarantine-pack.ts says what may have crashed before it):
 *
 *   in quarantine                recorded, if the record was lost, and reported
 *   still in chunks              verified again, bytes and all; that moves it, and it is looked at once more
 *   in neither                   it was released, purged or deleted since: a record that is left goes
 */
import { TidemarkError } from '../../core/errors.ts';
import type { QuarantineRecord } from '../../ports/quarantine-store.ts';
import type { Needs } from '../dependencies.ts';
import { packBlobName } from '../pack-name.ts';
import { type VerifyNeeds, verifyPackAnew } from '../verify-pack.ts';
import { parseQuarantineName } from './quarantine-name.ts';

/** `reported`: somebody has to look at it. `gone`: there is nothing to report any more. */
export type QuarantineReport = 'reported' | 'gone';

/** Throws `busy` while it is not decided, so that the message comes again. */
export async function reportQuarantined(
  deps: VerifyNeeds & Needs<'metrics'>,
  message: QuarantineRecord,
): Promise<QuarantineReport> {
  const { workspaceId, packId, blobName, reason, storedBytes } = message;
  if (!(await isInQuarantine(deps, message))) {
    await deps.metadata.quarantine.remove(workspaceId, blobName);
    deps.log.info({ workspaceId, packId }, 'a pack that was reported is not in quarantine any more');
    return 'gone';
  }
  await deps.metadata.quarantine.record(message);
  deps.metrics.count('tidemark.quarantine.count', 1);
  deps.log.error({ workspaceId, packId, blobName, storedBytes, why: reason }, 'a pack is in quarantine');
  return 'reported';
}

async function isInQuarantine(
  deps: VerifyNeeds,
  { workspaceId, packId, blobName }: QuarantineRecord,
): Promise<boolean> {
  if ((await deps.blobs.head('quarantine', blobName)) !== undefined) return true;
  const etag = parseQuarantineName(blobName)?.etag;
  const standing = await deps.blobs.head('chunks', packBlobName(workspaceId, packId));
  if (standing?.etag === etag) {
    const verification = await verifyPackAnew(deps, { workspaceId, packId });
    // The message was wrong: these bytes are good, and stay.
    if (verification === 'verified') return false;
  }
  // A move copies before it deletes, so what was in neither place a moment ago may be in quarantine now.
  if ((await deps.blobs.head('quarantine', blobName)) !== undefined) return true;
  const after = await deps.blobs.head('chunks', packBlobName(workspaceId, packId));
  if (after?.etag !== etag) return false;
  throw new TidemarkError('busy', 'a bad pack is still on its way to quarantine', { data: { packId } });
}
