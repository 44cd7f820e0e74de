/**
 * Tells who listens that a workspace's head has moved. It stands outside the queue of commits, so that no commit waits for another's
 * announcement; its own answer waits as long as the announcer does (`announceWaitMs`) and never fails by it. A repeat that is answered
 * from the record is told again, and a commit that changed nothing tells of the head as it was: both are harmless, for listeners only look.
 */
import type { DeviceId, WorkspaceId } from '../../core/ids.ts';
import type { SignedHead } from '../../core/wire/commit.ts';
import type { Commit } from '../commit.ts';
import type { Restore } from '../restore.ts';
import type { Announcer } from './announcer.ts';

export function withAnnouncements(commit: Commit, announcer: Announcer): Commit {
  return async (deps, input) => {
    const answer = await commit(deps, input);
    await announceHead(announcer, input.request, answer.head);
    return answer;
  };
}

export function withRestoreAnnouncements(restore: Restore, announcer: Announcer): Restore {
  return async (deps, input) => {
    const answer = await restore(deps, input);
    const { workspaceId, request } = input;
    await announceHead(announcer, { workspaceId, deviceId: request.deviceId }, answer.head);
    return answer;
  };
}

async function announceHead(
  announcer: Announcer,
  { workspaceId, deviceId }: { readonly workspaceId: WorkspaceId; readonly deviceId: DeviceId },
  head: SignedHead | null,
): Promise<void> {
  if (head === null) return;
  await announcer.announce({ kind: 'commit', workspaceId, seq: head.seq, root: head.root, deviceId });
}
