/** From the local differences to the operations of a commit, in an order in which the server can apply them one by one. */
import { type Digest, type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import { emptyVersion } from '../../../shared/core/version-vector.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import type { LocalNode } from '../model.ts';
import { Arrangement } from './arrange.ts';
import type { Step } from './arrange-world.ts';
import type { Decider } from './decider.ts';
import { placeOf } from './decide.ts';

/** Why the server may have had nodes of more than one kind in the way of a local wish is its own business: it decides. */
export interface OperationsPlan {
  readonly operations: readonly Operation[];
  /** Folders that were deleted here and stay, because the server has something in them that this device has not deleted. */
  readonly retained: ReadonlySet<NodeId>;
  readonly isFull: boolean;
}

export interface OperationsInput {
  readonly decider: Decider;
  readonly changed: readonly NodeId[];
  /** The SHA-256 of a content that was read here; null where the workspace does not ask for it. */
  readonly sha256Of: (content: Digest) => Digest | null;
  /** The device's clock when the changes were noticed: for the names of conflict copies. */
  readonly clockMs: number;
  readonly operationsMax: number;
}

export function planOperations(input: OperationsInput): OperationsPlan {
  const { decider, changed, operationsMax } = input;
  const { trees } = decider;
  const operations: Operation[] = [];
  const arrangement = new Arrangement(
    {
      placeOf: (id) => optionalPlace(trees.remote(id)),
      childrenOf: (id) => trees.remoteChildren(id).map((child) => child.entry.nodeId),
      at: (place) => trees.remoteAt(place)?.entry.nodeId,
      isFolder: (id) => (trees.remote(id)?.entry.kind ?? trees.local(id)?.kind) === 'folder',
      wants: (id) => wantedPlace(decider, id),
      needed: (id) => optionalPlace(trees.local(id)),
      waits: (id) => decider.isCarriedElsewhere(id),
    },
    {
      takeNames: true,
      manySteps: true,
      stepsMax: operationsMax,
      emit: (step) => operations.push(stepToOperation(input, step)),
    },
  );
  const pushed = changed.filter((id) => decider.decide(id).kind === 'push');
  const isGone = (id: NodeId): boolean => wantedPlace(decider, id) === 'gone';
  for (const id of pushed) if (!isGone(id)) arrangement.settle(id);
  for (const id of pushed) if (isGone(id)) arrangement.settle(id);
  for (const id of pushed) {
    const decision = decider.decide(id);
    if (decision.kind !== 'push' || decision.what !== 'change' || !decision.content) continue;
    if (operations.length >= operationsMax) break;
    operations.push(contentOperation(input, mustGetLocal(input, id), mustGetLocal(input, id)));
  }
  return {
    operations,
    retained: arrangement.retained,
    isFull: arrangement.isFull || operations.length >= operationsMax,
  };
}

function optionalPlace(node: Place | undefined): Place | undefined {
  return node === undefined ? undefined : placeOf(node);
}

function wantedPlace(decider: Decider, id: NodeId): Place | 'gone' | 'stay' {
  if (id === rootNodeId) return 'stay';
  const decision = decider.decide(id);
  if (decision.kind !== 'push') return 'stay';
  if (decision.what === 'delete') return decider.isCarriedElsewhere(id) ? 'stay' : 'gone';
  const local = decider.trees.local(id);
  return decision.place && local !== undefined ? placeOf(local) : 'stay';
}

function mustGetLocal({ decider }: OperationsInput, id: NodeId): LocalNode {
  const node = decider.trees.local(id);
  if (node === undefined) throw new RangeError('a node that is told to the server is not on this disk');
  return node;
}

function stepToOperation(input: OperationsInput, { kind, nodeId, from, to }: Step): Operation {
  const { decider, clockMs } = input;
  const synced = decider.trees.synced(nodeId);
  const base = synced?.entry.version ?? emptyVersion;
  if (to === null) return { kind: 'delete', nodeId, base, clockMs };
  if (kind === 'create') return contentOperation(input, mustGetLocal(input, nodeId), to);
  const basePlace =
    synced !== undefined && from !== null && samePlace(from, synced)
      ? placeOf(synced)
      : basePlaceOf(input, nodeId, from ?? to);
  return { kind: 'move', nodeId, parentId: to.parentId, name: to.name, base, basePlace, clockMs };
}

/**
 * Where the author saw the node. A node that only now stepped aside was seen there by its author, who put it there; one that
 * somebody else moved was last seen at the synced place.
 */
function basePlaceOf({ decider }: OperationsInput, nodeId: NodeId, from: Place): Place {
  const { synced, remote } = { synced: decider.trees.synced(nodeId), remote: decider.trees.remote(nodeId) };
  const movedByOthers = remote !== undefined && samePlace(remote, from);
  return placeOf(movedByOthers && synced !== undefined ? synced : from);
}

/** A new, returning or changed node as it is on this disk, at `place`. */
function contentOperation({ decider, clockMs, sha256Of }: OperationsInput, node: LocalNode, place: Place): Operation {
  const synced = decider.trees.synced(node.nodeId)?.entry;
  const common = {
    nodeId: node.nodeId,
    parentId: place.parentId,
    name: place.name,
    base: synced?.version ?? emptyVersion,
    mtimeMs: Math.trunc(node.stat.mtimeMs),
    clockMs,
  };
  if (node.kind === 'folder') return { kind: 'mkdir', ...common };
  if (node.kind === 'symlink') {
    const baseTarget = synced?.kind === 'symlink' ? synced.target : null;
    return { kind: 'symlink', ...common, baseTarget, target: node.target ?? '' };
  }
  if (node.content === null) throw new RangeError('a file that was not read cannot be told to the server');
  const baseContent = synced?.kind === 'file' ? synced.content : null;
  const { size, mode } = node.stat;
  // What was not read since it was synced is told as it was told before.
  const told = synced?.kind === 'file' && synced.content === node.content ? synced.sha256 : undefined;
  const sha256 = sha256Of(node.content) ?? told ?? null;
  return {
    kind: 'put',
    ...common,
    baseContent,
    content: node.content,
    size,
    mode: mode & 0o111,
    sha256,
    fallback: null,
  };
}
