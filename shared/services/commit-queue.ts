/**
 * Lets the commits of one workspace pass one at a time within this process, in the order in which they came. It spares them
 * races that they would lose to each other and do again, and no commit starves behind younger ones. Nothing depends on it:
 * other processes commit too, and the compare-and-set of the head decides.
 *
 * Only who may write waits: anybody else could fill the queue of a workspace that is not theirs, and learn from the wait that others are
 * at work in it. That is asked again when the turn has come.
 */
import { TidemarkError } from '../core/errors.ts';
import type { WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { authorise } from './authorise.ts';
import type { Commit } from './commit.ts';
import type { Restore } from './restore.ts';

/** Runs work that moves a workspace's head when its turn has come. */
export type CommitTurns = <T>(workspaceId: WorkspaceId, work: () => Promise<T>) => Promise<T>;

interface Queue {
  waiting: number;
  last: Promise<unknown>;
}

/** One queue for each workspace. A turn throws `busy` when `commitsWaitingMax` are waiting already, and what the work throws. */
export function createCommitTurns(): CommitTurns {
  const queues = new Map<WorkspaceId, Queue>();
  return async (workspaceId, work) => {
    const queue = queues.get(workspaceId) ?? { waiting: 0, last: Promise.resolve() };
    if (queue.waiting >= limits.commitsWaitingMax) {
      throw new TidemarkError('busy', 'many commits are waiting: try again', { data: { waiting: queue.waiting } });
    }
    queues.set(workspaceId, queue);
    queue.waiting++;
    const turn = queue.last.then(work);
    queue.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      if (--queue.waiting === 0) queues.delete(workspaceId);
    }
  };
}

export function withCommitQueue(commit: Commit, turns: CommitTurns = createCommitTurns()): Commit {
  return async (deps, input) => {
    const { workspaceId } = input.request;
    await authorise(deps, input.caller, workspaceId, 'write');
    return turns(workspaceId, () => commit(deps, input));
  };
}

/** A restore takes a while to plan and begins anew when it loses a race: without a turn of its own it would rarely win one. */
export function withRestoreQueue(restore: Restore, turns: CommitTurns): Restore {
  return async (deps, input) => {
    await authorise(deps, input.caller, input.workspaceId, 'write');
    return turns(input.workspaceId, () => restore(deps, input));
  };
}
