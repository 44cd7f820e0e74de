/**
 * A pack that came in staged blocks: `staging/<workspaceId>/<sessionId>/<packId>` is copied into `chunks` by storage itself, and is
 * from then on a pack like any other, verified there. Its bytes are judged after the copy, not before, for these reasons:
 *
 *   the judged bytes are the kept bytes    a staged blob can be replaced by whoever has its URL, at any time; what is under
 *                                          `chunks` cannot. Verified in `staging` and copied then, they need not be the same
 *   nothing trusts `chunks` by itself      a blob there means nothing before the chunk index has it, and only verification
 *                                          of that very incarnation puts it there. Unverified bytes lie there after every
 *                                          whole PUT as well; a copy adds no state that was not there before
 *   create-only                            the copy never replaces a pack, so at worst it takes a free name with bad bytes;
 *                                          those go to quarantine by their ETag, and the name is free again
 *
 * Safe to repeat and to run at once: the copy names the staged blob's ETag, and the staged blob goes, by its ETag, only when the
 * pack has been decided. A crash before that leaves it to the next run, or to the sweep.
 */
import { columnToDigests, digestsToColumn } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { type StagedPack, packBlobName, stagedPackName } from './pack-name.ts';
import { serverTimeMs } from './server-time.ts';
import { type PackVerification, type VerifyNeeds, verifyPack } from './verify-pack.ts';

/** A full pack's frames, its footer, and the marks around them. */
const storedBytesMax = limits.packBytesMax + limits.packFooterBytesMax + 64;

/**
 * Promotes and verifies one staged pack, whichever of the two is still to be done. 'missing' when there is none.
 * Throws what the stores throw; nothing is decided then.
 */
export async function verifyStagedPack(deps: VerifyNeeds, input: StagedPack): Promise<PackVerification> {
  const { workspaceId, packId } = input;
  const from = stagedPackName(input);
  const staged = await deps.blobs.head('staging', from);
  if (staged === undefined) return 'missing';
  if (staged.length > storedBytesMax) {
    await deps.blobs.deleteIfMatch('staging', from, staged.etag);
    deps.log.warn({ ...input, storedBytes: staged.length }, 'a staged blob is larger than any pack');
    return 'rejected';
  }
  const discard = () => deps.blobs.deleteIfMatch('staging', from, staged.etag);
  const [recorded] = await deps.metadata.chunks.hasPacks(workspaceId, digestsToColumn([packId]));
  if (recorded === true) {
    await discard();
    return 'verified';
  }
  const to = packBlobName(workspaceId, packId);
  let promoted = await deps.blobs.promote(from, staged.etag, to);
  let verification = await verifyPack(deps, { workspaceId, packId });
  if (promoted === 'exists' && verification === 'rejected') {
    // The bad bytes were somebody else's and are out of the way now; these have not been looked at.
    promoted = await deps.blobs.promote(from, staged.etag, to);
    verification = await verifyPack(deps, { workspaceId, packId });
  }
  const decided = verification === 'verified' || (verification === 'rejected' && promoted === 'created');
  if (decided) await discard();
  return verification;
}

/**
 * The same for what a blob event is about, which anybody's blob may have caused: only a pack that its session planned counts.
 * The rest is left to the sweep.
 */
export async function verifyStagedPackOfSession(deps: VerifyNeeds, input: StagedPack): Promise<PackVerification> {
  const { workspaceId, sessionId, packId } = input;
  const session = await deps.metadata.sessions.get(workspaceId, sessionId, serverTimeMs(deps.clock));
  return session !== undefined && columnToDigests(session.packs).includes(packId)
    ? verifyStagedPack(deps, input)
    : 'missing';
}
