/** What the planner may ask of the three trees. Nothing is loaded as a whole: a plan costs what the differences cost. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';

export interface PlanTrees {
  synced(nodeId: NodeId): PlacedEntry | undefined;
  local(nodeId: NodeId): LocalNode | undefined;
  remote(nodeId: NodeId): PlacedEntry | undefined;
  localChildren(folderId: NodeId): readonly LocalNode[];
  remoteChildren(folderId: NodeId): readonly PlacedEntry[];
  localAt(place: Place): LocalNode | undefined;
  remoteAt(place: Place): PlacedEntry | undefined;
}
