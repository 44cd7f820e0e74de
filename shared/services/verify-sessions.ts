/** Verification that a commit does itself for packs whose event has not come. */
import { TidemarkError } from '../core/errors.ts';
import { type Digest, type SessionId, type UserId, type WorkspaceId, columnDigestAt } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { concurrently } from './concurrently.ts';
import { serverTimeMs } from './server-time.ts';
import { type PackVerification, type VerifyNeeds, verifyPack } from './verify-pack.ts';
import { verifyStagedPack } from './verify-staged-pack.ts';

/** Session lookups at once. */
const lookupWidth = 16;
/** Packs verified at once: each is held in memory while it is, up to 16.5 MiB. */
const verifyWidth = 4;

/**
 * Verifies what the sessions of this user planned and nobody has verified yet, promoting what came in staged blocks. Sessions that are unknown, expired or of
 * another user count for nothing: what they uploaded is verified by its event, or by its owner's commit.
 *
 * @returns how many packs were found not to be uploaded, or to be bad.
 * @throws TidemarkError `busy` after `commitPacksVerifiedMax` packs, if there are more: the same request goes on from there.
 */
export async function verifySessions(
  deps: VerifyNeeds,
  input: { readonly workspaceId: WorkspaceId; readonly userId: UserId; readonly sessions: readonly SessionId[] },
): Promise<{ readonly missing: number; readonly rejected: number }> {
  const { workspaceId } = input;
  const now = serverTimeMs(deps.clock);
  const unverified = new Map<Digest, SessionId[]>();
  await concurrently([...new Set(input.sessions)], lookupWidth, async (sessionId) => {
    const session = await deps.metadata.sessions.get(workspaceId, sessionId, now);
    if (session === undefined || session.userId !== input.userId) return;
    const known = await deps.metadata.chunks.hasPacks(workspaceId, session.packs);
    for (const [i, isKnown] of known.entries()) {
      if (isKnown) continue;
      const packId = columnDigestAt(session.packs, i);
      unverified.set(packId, [...(unverified.get(packId) ?? []), sessionId]);
    }
  });
  const counts = { verified: 0, missing: 0, rejected: 0, changed: 0 };
  let begun = 0;
  await concurrently([...unverified], verifyWidth, async ([packId, sessions]) => {
    if (begun - counts.missing >= limits.commitPacksVerifiedMax) return;
    begun++;
    counts[await verifyWherever(deps, workspaceId, packId, sessions)]++;
  });
  if (begun < unverified.size) {
    throw new TidemarkError('busy', 'many packs are still to be verified: send the same commit again', {
      data: { packsVerified: counts.verified },
    });
  }
  return { missing: counts.missing, rejected: counts.rejected };
}

/** The pack under `chunks`, or else as one of these sessions staged it. */
async function verifyWherever(
  deps: VerifyNeeds,
  workspaceId: WorkspaceId,
  packId: Digest,
  sessions: readonly SessionId[],
): Promise<PackVerification> {
  let verification = await verifyPack(deps, { workspaceId, packId });
  for (const sessionId of sessions) {
    if (verification === 'verified') break;
    const staged = await verifyStagedPack(deps, { workspaceId, sessionId, packId });
    if (staged !== 'missing') verification = staged;
  }
  return verification;
}
