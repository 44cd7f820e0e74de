/**
 * Lets the commits of one workspace pass one at a time within this process, in the order in which they came. It spares them
 * races that they would lose to each other and do again, and no commit starves behind younger ones. Nothing depends on it:
 * other processes commit too, and the compare-and-set of the head decides.
 */
import { TidemarkError } from '../core/errors.ts';
import type { WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { Commit } from './commit.ts';

interface Queue {
  waiting: number;
  last: Promise<unknown>;
}

/** The commit with a queue for each workspace. Throws `busy` when `commitsWaitingMax` are waiting already. */
export function withCommitQueue(commit: Commit): Commit {
  const queues = new Map<WorkspaceId, Queue>();
  return async (deps, input) => {
    const { workspaceId } = input.request;
    const queue = queues.get(workspaceId) ?? { waiting: 0, last: Promise.resolve() };
    if (queue.waiting >= limits.commitsWaitingMax) {
      throw new TidemarkError('busy', 'many commits are waiting: try again', { data: { waiting: queue.waiting } });
    }
    queues.set(workspaceId, queue);
    queue.waiting++;
    const turn = queue.last.then(() => commit(deps, input));
    queue.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      if (--queue.waiting === 0) queues.delete(workspaceId);
    }
  };
}
