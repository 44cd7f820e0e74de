/**
 * The same thing made on both sides: a node that is new here, in the place where the server has a node that is new to this
 * device, and that holds the same. Then it is that node. So two devices that start with the same folder, or one that lost
 * its journal, come to one tree without a copy, an upload or a deletion; and a file that was fetched and not journalled before
 * a crash is known again.
 *
 * So is a file that this device has elsewhere, as another one: what was moved here and there to one place, and a new file took its name here.
 * Then the two change roles: the one in that place is the node, and the other is a file of its own (engine/converge.ts).
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import { holdsBytes } from './decide.ts';
import type { PlanTrees } from './plan-trees.ts';

export interface Match {
  /** The id that this device gave it. */
  readonly from: NodeId;
  /** The id that it has on the server. */
  readonly to: NodeId;
}

/** Matches among some nodes, parents before children. A child is looked for in the folder that its parent turns out to be. */
export function findMatches(trees: PlanTrees, changed: readonly NodeId[], held: ReadonlySet<NodeId>): Match[] {
  const matches = new Map<NodeId, NodeId>();
  const looked = new Set<NodeId>();
  const look = (nodeId: NodeId): void => {
    if (looked.has(nodeId) || held.has(nodeId)) return;
    looked.add(nodeId);
    const local = trees.local(nodeId);
    if (local === undefined || trees.synced(nodeId) !== undefined || trees.remote(nodeId) !== undefined) return;
    look(local.parentId);
    const parentId = matches.get(local.parentId) ?? local.parentId;
    const there = trees.remoteAt({ parentId, name: local.name });
    if (there === undefined || !holdsBytes(local, there.entry)) return;
    const to = there.entry.nodeId;
    if (isFree(trees, to) || (local.kind !== 'folder' && isElsewhere(trees, to, held))) matches.set(nodeId, to);
  };
  for (const nodeId of changed) look(nodeId);
  return [...matches].map(([from, to]) => ({ from, to }));
}

/** A node that this device never had. */
function isFree(trees: PlanTrees, nodeId: NodeId): boolean {
  return trees.local(nodeId) === undefined && trees.synced(nodeId) === undefined;
}

/** A node that was synced and that another file here goes by. */
function isElsewhere(trees: PlanTrees, nodeId: NodeId, held: ReadonlySet<NodeId>): boolean {
  return trees.local(nodeId) !== undefined && trees.synced(nodeId) !== undefined && !held.has(nodeId);
}
