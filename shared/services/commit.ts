/**
 * The commit: one atomic step of a workspace from one tree to the next.
 *
 *   1  who asks, and whether this request was answered before
 *   2  all content is there, verified; packs whose event is late are verified now
 *   3  the operations are applied to the head's tree; new nodes, manifests and segments are stored
 *   4  one transaction: the head replaced if it is still the one of 3, the journal entry and the answer added
 *
 * 3 and 4 are advance-head.ts.
 */
import type { RequestId } from '../core/ids.ts';
import type { CommitRequest, CommitResponse } from '../core/wire/commit.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { advanceHead } from './advance-head.ts';
import { authorise, authoriseDevice } from './authorise.ts';
import { checkContent } from './check-content.ts';
import type { Needs } from './dependencies.ts';
import { checkOperations } from './merge/apply-operations.ts';
import { missingChunks } from './missing-chunks.ts';
import { answeredCommit, findAnswer } from './stored-answer.ts';
import { verifySessions } from './verify-sessions.ts';

export type CommitNeeds = Needs<'metadata' | 'blobs' | 'queue' | 'signer' | 'clock' | 'log' | 'codecs'>;

export interface CommitInput {
  readonly caller: Caller;
  readonly requestId: RequestId;
  readonly request: CommitRequest;
}

export type Commit = (deps: CommitNeeds, input: CommitInput) => Promise<CommitResponse>;

/**
 * @throws TidemarkError `missing-chunks`, `stale-base`, `idempotency-key-reused`, `malformed`, `too-large`, `not-found`,
 * `forbidden`; `busy` after `commitAttemptsMax` lost races. After any of them nothing was committed.
 */
export async function commit(deps: CommitNeeds, input: CommitInput): Promise<CommitResponse> {
  const { caller, request, requestId } = input;
  const { workspaceId } = request;
  const { workspace } = await authorise(deps, caller, workspaceId, 'write');
  const device = await authoriseDevice(deps, caller, request.deviceId);
  const answered = answeredCommit(requestId, request);
  const before = await findAnswer(deps, workspaceId, answered);
  if (before !== undefined) return before;
  checkOperations(request.operations, workspace);
  await storeContent(deps, caller, request);
  return advanceHead(deps, {
    workspace,
    device,
    userId: caller.userId,
    request: answered,
    mode: workspace.mode,
    plan: () => ({ operations: request.operations, answer: (head, outcomes) => ({ head, outcomes }) }),
  });
}

/** Step 2. Sessions are looked at only when something is missing from the index: usually their events came long ago. */
async function storeContent(deps: CommitNeeds, caller: Caller, request: CommitRequest): Promise<void> {
  const { workspaceId, sessions } = request;
  let content = await checkContent(deps, request);
  if (content.missing.length > 0 && sessions.length > 0) {
    await verifySessions(deps, { workspaceId, userId: caller.userId, sessions });
    content = await checkContent(deps, request);
  }
  if (content.missing.length > 0) throw missingChunks(content.missing);
  const { objects } = deps.metadata;
  if (content.segments.size > 0) await objects.putObjects(workspaceId, 'segment', content.segments);
  if (content.manifests.size > 0) await objects.putObjects(workspaceId, 'manifest', content.manifests);
}
