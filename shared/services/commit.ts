/**
 * The commit: one atomic step of a workspace from one tree to the next.
 *
 *   1  who asks, and whether this request was answered before
 *   2  all content is there, verified; packs whose event is late are verified now
 *   3  the operations are applied to the head's tree; new nodes, manifests and segments are stored
 *   4  one transaction: the head replaced if it is still the one of 3, the journal entry and the answer added
 *
 * Up to 4 nothing refers to what was stored, so a crash leaves only what is content-addressed and harmless. A lost race
 * goes back to 3 on the new head; what won in between made progress, so somebody always does.
 */
import { TidemarkError } from '../core/errors.ts';
import type { Digest, RequestId, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { mapApply } from '../core/merkle/map-apply.ts';
import { deriveMapEdits } from '../core/tree/derive-edits.ts';
import type { CommitRequest, CommitResponse } from '../core/wire/commit.ts';
import type { DeviceRecord, Head, WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise, authoriseDevice } from './authorise.ts';
import { checkContent } from './check-content.ts';
import type { Needs } from './dependencies.ts';
import { applyOperations, checkOperations } from './merge/apply-operations.ts';
import { missingChunks } from './missing-chunks.ts';
import { serverTimeMs } from './server-time.ts';
import { entryToRecord, entryToSignedHead, readSignedHead, signEntry } from './signed-heads.ts';
import { answerRecord, findAnswer, requestHash } from './stored-answer.ts';
import { TreeView } from './tree-view.ts';
import { verifySessions } from './verify-sessions.ts';
import { workspaceNodes } from './workspace-nodes.ts';

export type CommitNeeds = Needs<'metadata' | 'blobs' | 'signer' | 'clock' | 'log' | 'codecs'>;

export interface CommitInput {
  readonly caller: Caller;
  readonly requestId: RequestId;
  readonly request: CommitRequest;
}

export type Commit = (deps: CommitNeeds, input: CommitInput) => Promise<CommitResponse>;

/** What stays the same over the attempts of one commit. */
interface Attempted {
  readonly input: CommitInput;
  readonly workspace: WorkspaceRecord;
  readonly device: DeviceRecord;
  readonly bodyHash: Digest;
  readonly nodes: NodeSource;
}

/**
 * @throws TidemarkError `missing-chunks`, `stale-base`, `idempotency-key-reused`, `malformed`, `too-large`, `not-found`,
 * `forbidden`; `busy` after `commitAttemptsMax` lost races. After any of them nothing was committed.
 */
export async function commit(deps: CommitNeeds, input: CommitInput): Promise<CommitResponse> {
  const { caller, request, requestId } = input;
  const { workspaceId } = request;
  const { workspace } = await authorise(deps, caller, workspaceId, 'write');
  const device = await authoriseDevice(deps, caller, request.deviceId);
  const bodyHash = requestHash(request);
  const answered = await findAnswer(deps, workspaceId, requestId, bodyHash);
  if (answered !== undefined) return answered;
  checkOperations(request.operations);
  await storeContent(deps, caller, request);
  const attempted = { input, workspace, device, bodyHash, nodes: workspaceNodes(deps, workspaceId) };
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
    const answer = await attemptCommit(deps, attempted);
    if (answer !== undefined) return answer;
    deps.log.debug({ workspaceId, requestId, attempt }, 'a commit lost its race and is done again');
  }
  throw new TidemarkError('busy', 'many commits at once: send the same commit again', {
    data: { attempts: limits.commitAttemptsMax },
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

/** Steps 3 and 4, once. Undefined when another commit came first. */
async function attemptCommit(deps: CommitNeeds, attempted: Attempted): Promise<CommitResponse | undefined> {
  const { input, workspace, device, nodes } = attempted;
  const { operations } = input.request;
  const { workspaceId } = workspace;
  const head = await mustGetHead(deps, workspaceId);
  const tree = new TreeView(nodes, head.root);
  const context = {
    tree,
    mode: workspace.mode,
    policy: workspace.policy,
    deviceId: device.deviceId,
    deviceName: device.name,
    requestId: input.requestId,
    headSeq: head.seq,
    aliases: new Map(),
  };
  const outcomes = await applyOperations(context, operations);
  const { edits, before } = tree.pendingEdits();
  if (edits.length === 0) {
    const answer = { head: await readSignedHead(deps, workspaceId, head), outcomes };
    return recordAnswer(deps, attempted, answer);
  }
  const { root, nodes: added } = await mapApply(nodes, head.root, deriveMapEdits(edits, before));
  await deps.metadata.objects.putObjects(workspaceId, 'node', added);
  const { userId } = input.caller;
  const { deviceId } = device;
  const { requestId } = input;
  const timeMs = serverTimeMs(deps.clock);
  const entry = await signEntry(deps, workspaceId, head, { root, timeMs, userId, deviceId, requestId, edits });
  const record = await entryToRecord(deps, workspaceId, entry);
  const answer = { head: entryToSignedHead(entry), outcomes };
  const result = await deps.metadata.journal.append(workspaceId, {
    expected: head,
    next: { seq: entry.seq, root, chain: entry.chain },
    record,
    request: answerRecord(deps, requestId, attempted.bodyHash, answer),
  });
  if (result === 'lost-race') return undefined;
  if (result === 'request-exists') return mustFindAnswer(deps, attempted);
  deps.log.info({ workspaceId, seq: entry.seq, operations: operations.length, edits: edits.length }, 'committed');
  return answer;
}

async function mustGetHead(deps: CommitNeeds, workspaceId: WorkspaceId): Promise<Head> {
  const head = await deps.metadata.journal.getHead(workspaceId);
  if (head === undefined) throw new TidemarkError('internal', 'a workspace has no head', { data: { workspaceId } });
  return head;
}

/** The answer of a request that changed nothing is stored too, so that a replay after other commits still gets it. */
async function recordAnswer(deps: CommitNeeds, attempted: Attempted, answer: CommitResponse): Promise<CommitResponse> {
  const { input, workspace, bodyHash } = attempted;
  const record = answerRecord(deps, input.requestId, bodyHash, answer);
  const result = await deps.metadata.journal.recordRequest(workspace.workspaceId, record);
  return result === 'recorded' ? answer : mustFindAnswer(deps, attempted);
}

/** The same request ran twice at once and the other run was first. */
async function mustFindAnswer(deps: CommitNeeds, attempted: Attempted): Promise<CommitResponse> {
  const { input, workspace, bodyHash } = attempted;
  const answer = await findAnswer(deps, workspace.workspaceId, input.requestId, bodyHash);
  if (answer === undefined) {
    throw new TidemarkError('busy', 'the same request is being answered: ask again', {
      data: { requestId: input.requestId },
    });
  }
  return answer;
}
