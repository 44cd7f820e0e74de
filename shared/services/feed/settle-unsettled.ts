import { verifyStagedPackOfSession } from '../verify-staged-pack.ts';
import type { PackVerification } from '../verify-pack.ts';
import { type PackState, type SettleNeeds, settlePack } from './settle-pack.ts';
import type { UnsettledPack } from './unsettled-message.ts';

/**
 * What a message of the queue `unsettled` leads to: the same look at the pack that the change feed could not finish. It may be
 * repeated, come long after, and run beside the feed's own. Throws what the stores throw, so that the message comes again.
 */
export async function settleUnsettled(
  deps: SettleNeeds,
  { workspaceId, packId, sessionId }: UnsettledPack,
): Promise<PackState | PackVerification> {
  const state =
    sessionId === undefined
      ? await settlePack(deps, { workspaceId, packId })
      : await verifyStagedPackOfSession(deps, { workspaceId, packId, sessionId });
  deps.log.info({ workspaceId, packId, state }, 'a pack that the change feed had passed is settled');
  return state;
}
