import type { UserId, WorkspaceId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';

/**
 * Ends what connections somebody has who is no member any more. Call it after the change is stored; it never fails.
 *
 * Connections go with all of the user's workspaces, so nobody may end those of others at will: one who was no member before is left alone
 * (`wasMember`), unless a device of theirs was heard of in this workspace. Then the request may be a repeat of one that died half way.
 */
export async function expelFormerMember(
  deps: Needs<'metadata' | 'announcer' | 'clock' | 'log'>,
  { workspaceId, userId, wasMember }: { workspaceId: WorkspaceId; userId: UserId; wasMember: boolean },
): Promise<void> {
  if (wasMember || (await wasHeard(deps, workspaceId, userId))) await deps.announcer.expelUser(userId);
}

async function wasHeard(
  deps: Needs<'metadata' | 'clock' | 'log'>,
  workspaceId: WorkspaceId,
  userId: UserId,
): Promise<boolean> {
  try {
    const heard = await deps.metadata.presence.list(workspaceId, serverTimeMs(deps.clock), limits.presenceListedMax);
    return heard.some((record) => record.userId === userId);
  } catch {
    deps.log.warn({ workspaceId }, 'nobody could say whether a former member is connected');
    return false;
  }
}
