/**
 * Restore: a node with all that was below it, or everything, as it was at a point of the history; a new commit like any other
 * (plan-restore.ts), planned on the very head that it replaces, so it is never stale.
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../core/errors.ts';
import { blake3Digest } from '../core/hash/blake3.ts';
import { type NodeId, type RequestId, type WorkspaceId, idToBytes, rootNodeId } from '../core/ids.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import type { Outcome } from '../core/wire/commit.ts';
import { type RestoreRequest, type RestoreResponse, restoreRequest, restoreResponse } from '../core/wire/restore.ts';
import type { Head } from '../ports/metadata-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { type AdvanceNeeds, type PlannedStep, advanceHead } from './advance-head.ts';
import { authorise, authoriseDevice } from './authorise.ts';
import { checkContent } from './check-content.ts';
import { findNodeAtPath } from './list-tree.ts';
import { missingChunks } from './missing-chunks.ts';
import { type RestorePlan, planRestore } from './plan-restore.ts';
import { serverTimeMs } from './server-time.ts';
import { type AnsweredRequest, findAnswer } from './stored-answer.ts';
import { type HistoryPoint, type TreeAt, findTreeAt } from './tree-at.ts';
import { TreeView } from './tree-view.ts';

export interface RestoreInput {
  readonly caller: Caller;
  readonly workspaceId: WorkspaceId;
  readonly requestId: RequestId;
  readonly request: RestoreRequest;
}

export type Restore = (deps: AdvanceNeeds, input: RestoreInput) => Promise<RestoreResponse>;

/**
 * @throws TidemarkError `not-found` when the point or the node was never there; `malformed`, `too-large`, `forbidden`,
 * `quota-exceeded`, `idempotency-key-reused`; `missing-chunks` when content is known not to be stored any more; `busy` after lost
 * races. After any of them nothing was committed.
 */
export async function restore(deps: AdvanceNeeds, input: RestoreInput): Promise<RestoreResponse> {
  const { caller, workspaceId, requestId, request } = input;
  const { workspace } = await authorise(deps, caller, workspaceId, 'write');
  const device = await authoriseDevice(deps, caller, request.deviceId);
  const answered = answeredRestore(workspaceId, requestId, request);
  const before = await findAnswer(deps, workspaceId, answered);
  if (before !== undefined) return before;
  const point = pointOf(request);
  return advanceHead(deps, {
    workspace,
    device,
    userId: caller.userId,
    request: answered,
    // What a restore meets on the head it has seen: nothing of it is stale, also where a consistency-first workspace refuses copies.
    mode: 'personal',
    plan: (head, nodes) => planOnHead(deps, input, point, head, nodes),
  });
}

/** The hash names the kind and the workspace, which the message itself does not. */
function answeredRestore(
  workspaceId: WorkspaceId,
  requestId: RequestId,
  request: RestoreRequest,
): AnsweredRequest<RestoreResponse> {
  const body = encode(['restore', idToBytes(workspaceId), restoreRequest.toWire(request)]);
  return { requestId, bodyHash: blake3Digest(body), response: restoreResponse };
}

function pointOf({ seq, timeMs, nodeId, path }: RestoreRequest): HistoryPoint {
  if (nodeId !== null && path !== null) {
    throw new TidemarkError('malformed', 'say by nodeId or by path what to restore, not by both');
  }
  if (seq !== null && timeMs === null) return { seq };
  if (timeMs !== null && seq === null) return { timeMs };
  throw new TidemarkError('malformed', 'say by exactly one of seq and timeMs to when to go back');
}

async function planOnHead(
  deps: AdvanceNeeds,
  input: RestoreInput,
  point: HistoryPoint,
  head: Head,
  nodes: NodeSource,
): Promise<PlannedStep<RestoreResponse>> {
  const { workspaceId, request } = input;
  const then = await findTreeAt(deps, workspaceId, head, point);
  const target = await findTarget(nodes, then, request);
  const plan = await planRestore({
    source: nodes,
    thenRoot: then.root,
    nowRoot: head.root,
    headSeq: head.seq,
    target,
    deviceId: request.deviceId,
    clockMs: serverTimeMs(deps.clock),
  });
  await checkStored(deps, input, plan);
  return {
    operations: plan.operations,
    answer: (signed, outcomes) => ({ head: signed, seq: then.seq, ...count(plan, outcomes), more: plan.more }),
  };
}

/** Null: everything. */
async function findTarget(nodes: NodeSource, then: TreeAt, { nodeId, path }: RestoreRequest): Promise<NodeId | null> {
  const target = nodeId ?? (path === null ? rootNodeId : await findNodeAtPath(nodes, then.root, path));
  if (target === rootNodeId) return null;
  if (target === undefined || (await new TreeView(nodes, then.root).find(target)) === undefined) {
    throw new TidemarkError('not-found', 'there was no such file or folder then', { data: { seq: then.seq } });
  }
  return target;
}

/** That what comes back is there still, chunk by chunk, as a commit looks at content that it does not bring (check-content). */
async function checkStored(deps: AdvanceNeeds, input: RestoreInput, { operations }: RestorePlan): Promise<void> {
  const { workspaceId, request } = input;
  const nothingSent = { sessions: [], manifests: [], segments: [] };
  const { deviceId } = request;
  const { missing } = await checkContent(deps, { workspaceId, deviceId, ...nothingSent, operations });
  if (missing.length > 0) throw missingChunks(missing);
}

type Counts = Pick<RestoreResponse, 'restored' | 'moved' | 'deleted' | 'refused'>;

/** Of nodes: one that moved and got its content back was restored. */
function count({ operations, steps }: RestorePlan, outcomes: readonly Outcome[]): Counts {
  const nodes = { restored: new Set<NodeId>(), moved: new Set<NodeId>(), deleted: new Set<NodeId>() };
  const refused = new Set<NodeId>();
  for (const [i, { nodeId }] of operations.entries()) {
    const step = steps[i]!;
    const { status } = outcomes[i]!;
    if (status === 'refused' || status === 'kept') refused.add(nodeId);
    else if (step !== 'aside') nodes[step].add(nodeId);
  }
  const moved = [...nodes.moved].filter((nodeId) => !nodes.restored.has(nodeId)).length;
  return { restored: nodes.restored.size, moved, deleted: nodes.deleted.size, refused: refused.size };
}
