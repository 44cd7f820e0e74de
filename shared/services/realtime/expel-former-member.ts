import type { UserId, WorkspaceId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';

export interface FormerMember {
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  /** False: they were none before either. It may be the repeat of a request that died half way. */
  readonly wasMember: boolean;
}

/**
 * Ends what connections somebody has who is no member any more. Call it after the change is stored; it never fails.
 *
 * Connections go with all of the user's workspaces, and anybody may make anybody a member of a workspace of theirs and take it back. So only
 * who was heard of in this workspace is cut off: each connection is, in all of its seats, when it begins. A repeat cuts off only who is not
 * known to have left, or one request after another would keep a former member from ever being connected.
 *
 * Not guaranteed: a connection whose `connected` was lost, or was heard of last before `presenceKeptSeconds`. Its next report ends it.
 */
export async function expelFormerMember(
  deps: Needs<'metadata' | 'announcer' | 'clock' | 'log'>,
  member: FormerMember,
): Promise<void> {
  if (await mayListen(deps, member)) await deps.announcer.expelUser(member.userId);
}

async function mayListen(
  deps: Needs<'metadata' | 'clock' | 'log'>,
  { workspaceId, userId, wasMember }: FormerMember,
): Promise<boolean> {
  try {
    const max = limits.presenceListedMax;
    const heard = await deps.metadata.presence.list(workspaceId, serverTimeMs(deps.clock), max);
    const isTheirs = heard.some((record) => record.userId === userId && (wasMember || record.state !== 'offline'));
    return isTheirs || (wasMember && heard.length >= max);
  } catch {
    deps.log.warn({ workspaceId }, 'nobody could say whether a former member is connected');
    return wasMember;
  }
}
