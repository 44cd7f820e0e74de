/**
 * POST /workspaces/{ws}/restore; header Idempotency-Key, as for a commit. Brings a node, with all that was below it, or the whole
 * workspace back to what it was at a point of its history, as a new commit: nothing of the history goes, and a restore can be
 * restored. What came into a restored folder since is deleted from the tree (it stays in history).
 */
import { limits } from '../limits.ts';
import { type ValueOf, deviceId, flag, integer, message, nodeId, optional, text } from './schema.ts';
import { signedHead } from './commit.ts';

/**
 * Exactly one of `seq` and `timeMs` says when: after that commit, or after the last one that is not later than that time. `nodeId`
 * or `path` (as it was then, names separated by `/`) says what; neither: everything.
 */
export const restoreRequest = message('RestoreRequest', {
  deviceId,
  seq: optional(integer()),
  timeMs: optional(integer()),
  nodeId: optional(nodeId),
  path: optional(text(limits.pathBytesMax)),
});
export type RestoreRequest = ValueOf<typeof restoreRequest>;

/**
 * `seq`: the point that was restored. Nodes that have their content again, or are there again (`restored`); that were only moved
 * back; that went; and that could not be brought back where the rules of the tree forbid it (`refused`: a path too long where the
 * folder stands now). `more`: it took more than one commit can; the same request under a new Idempotency-Key goes on.
 */
export const restoreResponse = message('RestoreResponse', {
  head: optional(signedHead),
  seq: integer(),
  restored: integer(),
  moved: integer(),
  deleted: integer(),
  refused: integer(),
  more: flag,
});
export type RestoreResponse = ValueOf<typeof restoreResponse>;
