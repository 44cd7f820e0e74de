/**
 * Two files here of which the wrong one goes by a node of the server: they change roles.
 *
 *     node 1 was edited and moved to /n there; here the same was made anew, and the old file waits for the name
 *       before  synced 1 = /a old, local 1 = /a old, local 2 = /n new, remote 1 = /n new
 *       after   local 1 = /n new; synced 2 = local 2 = /a old, which the server has no more
 *
 *     node 1 was moved to /n there and here, and here a new file took its name /a and with it the node
 *       before  synced 1 = /a old, local 1 = /a new, local 2 = /n old, remote 1 = /n old
 *       after   local 1 = /n old; local 2 = /a new, a file that nobody knew
 *
 * Neither could go first otherwise: one would be told to be the other, and its content would leave the workspace for a while.
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { TreesView } from '../journal/trees.ts';

/** `fresh` is a new file in the place where the server has the node `nodeId`. The merge base of the node is the caller's to move. */
export function changeRoles(trees: TreesView, fresh: NodeId, nodeId: NodeId): void {
  const inPlace = trees.getLocal(fresh);
  const other = trees.getLocal(nodeId);
  const synced = trees.getSynced(nodeId);
  if (inPlace === undefined || other === undefined || synced === undefined) return;
  const isAsSynced = !trees.isLocalChange(nodeId);
  trees.setLocal(nodeId, { ...inPlace, nodeId });
  trees.setLocal(fresh, { ...other, nodeId: fresh });
  if (isAsSynced) trees.rebase(fresh, { ...synced, entry: { ...synced.entry, nodeId: fresh } });
}
