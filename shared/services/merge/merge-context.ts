/**
 * What the operations of one commit share: the tree they change one after another, who asks, and by which rules.
 *
 * Versions. A client says what it had seen of a node (`base`), and may lie. A lie can only claim to have seen what an editor
 * may overwrite anyway, so it is believed; but no counter is taken from it: a node that stands goes on from its own version,
 * whatever the base says. So counters grow by one for each change; the one jump is that of a node which a restore brings back, whose
 * last version nobody keeps (plan-restore.ts).
 */
import { TidemarkError } from '../../core/errors.ts';
import { type DeviceId, type NodeId, type RequestId, idToBytes } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { Entry } from '../../core/tree/entry.ts';
import type { Place } from '../../core/tree/keys.ts';
import { type VersionVector, countUp, dominates } from '../../core/version-vector.ts';
import type { Outcome, RefusalReason } from '../../core/wire/commit.ts';
import type { ConflictPolicy, WorkspaceMode } from '../../core/wire/workspace.ts';
import type { MergeTree, StandingNode } from '../tree-view.ts';

export interface MergeContext {
  readonly tree: MergeTree;
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  readonly deviceId: DeviceId;
  readonly deviceName: string;
  readonly requestId: RequestId;
  /** The seq of the head that the tree is of. */
  readonly headSeq: number;
  /** New node ids of this commit that turned out to be nodes that stand already; later operations mean those. */
  readonly aliases: Map<NodeId, NodeId>;
}

export function realId(context: MergeContext, nodeId: NodeId): NodeId {
  return context.aliases.get(nodeId) ?? nodeId;
}

/**
 * Whether the author of an operation had seen the node as it is. What earlier operations of the same commit did to it is the
 * author's own doing and counts as seen.
 */
export async function hadSeen(context: MergeContext, current: Entry, base: VersionVector): Promise<boolean> {
  if (dominates(base, current.version)) return true;
  const before = await context.tree.entryBefore(current.nodeId);
  return before === undefined || dominates(base, before.version);
}

/** The version after one more change by this commit's device. Throws `too-large` past `versionVectorEntriesMax` devices. */
export function nextVersion(context: MergeContext, version: VersionVector): VersionVector {
  const next = countUp(version, context.deviceId);
  if (next.length <= limits.versionVectorEntriesMax) return next;
  throw new TidemarkError('too-large', 'too many devices have changed this node', {
    data: { versionVectorEntriesMax: limits.versionVectorEntriesMax },
  });
}

/**
 * The version of a node that is new or comes back after a delete. The tree remembers nothing of a deleted node, so its base is
 * taken, but no counter above what that many commits can have counted.
 */
export function returningVersion(context: MergeContext, base: VersionVector): VersionVector {
  const countedMax = context.headSeq * limits.commitOperationsMax;
  const possible = base.map(([device, counter]) => [device, Math.min(counter, countedMax)] as const);
  return nextVersion(
    context,
    possible.filter(([, counter]) => counter > 0),
  );
}

export function outcomeAt(
  status: Outcome['status'],
  nodeId: NodeId,
  place: Place,
  version: VersionVector,
  reason: RefusalReason | null = null,
): Outcome {
  return { status, reason, nodeId, parentId: place.parentId, name: place.name, version };
}

/** Refused, told with what the operation asked for. */
export function refused(reason: RefusalReason, nodeId: NodeId, asked: Place): Outcome {
  return outcomeAt('refused', nodeId, asked, [], reason);
}

/** An outcome that leaves a standing node as it is. */
export function standing(status: 'agreed' | 'kept', { place, entry }: StandingNode): Outcome {
  return outcomeAt(status, entry.nodeId, place, entry.version);
}

/** For messages and derived ids: the request id's bytes. */
export function requestBytes(context: MergeContext): Uint8Array {
  return idToBytes(context.requestId);
}
