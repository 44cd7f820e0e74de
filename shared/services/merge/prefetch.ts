/**
 * Reads ahead what a batch of operations will ask the tree: first where its nodes and the names they want are, then what
 * stands there, then the folders above, one step up at a time for all of them together. Rounds are as many as the tree is
 * deep, calls of the store for each as many as the map has levels, however many operations there are.
 */
import type { NodeId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { Place } from '../../core/tree/keys.ts';
import type { Operation } from '../../core/wire/operation.ts';
import type { TreeView } from '../tree-view.ts';

export async function prefetchOperations(tree: TreeView, operations: readonly Operation[]): Promise<void> {
  const nodes = new Set<NodeId>();
  const parents = new Set<NodeId>();
  const places: Place[] = [];
  const folders: NodeId[] = [];
  for (const operation of operations) {
    nodes.add(operation.nodeId);
    if (operation.kind === 'delete') folders.push(operation.nodeId);
    else {
      parents.add(operation.parentId);
      places.push({ parentId: operation.parentId, name: operation.name });
    }
  }
  await tree.prefetch({ nodes: new Set([...nodes, ...parents]), places, folders });
  const standing: Place[] = [];
  for (const nodeId of [...nodes, ...parents]) {
    const place = await tree.locate(nodeId);
    if (place !== undefined) standing.push(place);
  }
  await tree.prefetch({ places: standing });
  let rising = parents;
  for (let step = 0; step < limits.treeDepthMax && rising.size > 0; step++) {
    await tree.prefetch({ nodes: rising });
    const above = new Set<NodeId>();
    for (const nodeId of rising) {
      const parentId = (await tree.locate(nodeId))?.parentId;
      if (parentId !== undefined) above.add(parentId);
    }
    rising = above;
  }
}
