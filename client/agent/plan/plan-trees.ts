/** What the planner may ask of the three trees. Nothing is loaded as a whole: a plan costs what the differences cost. */
import type { Digest, NodeId } from '../../../shared/core/ids.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';

export interface PlanTrees {
  synced(nodeId: NodeId): PlacedEntry | undefined;
  local(nodeId: NodeId): LocalNode | undefined;
  remote(nodeId: NodeId): PlacedEntry | undefined;
  localChildren(folderId: NodeId): readonly LocalNode[];
  remoteChildren(folderId: NodeId): readonly PlacedEntry[];
  /** Files on this disk that hold this content; those on which the three trees agree may be left out, and are many as a rule. */
  unsettledByContent(content: Digest): readonly LocalNode[];
  localAt(place: Place): LocalNode | undefined;
  remoteAt(place: Place): PlacedEntry | undefined;
  /** Whether names that differ only in case or Unicode form are one name on this disk. Absent: they are not. */
  readonly foldsNames?: boolean | undefined;
  /** Absent where this disk is to have everything that the workspace has. */
  readonly selection?: PlanSelection | undefined;
}

/** What of the workspace this disk is not to have. The server's tree is planned over whole all the same. */
export interface PlanSelection {
  /** The node is not here, and shall not be: no difference, whatever the trees say of it. */
  isUnselected(nodeId: NodeId): boolean;
  /** The node is here, the workspace holds what this disk has of it, and it shall not be here. */
  isToLeave(nodeId: NodeId): boolean;
}
