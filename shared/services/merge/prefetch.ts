/**
 * Reads ahead what a batch of operations will ask the tree: first where its nodes and the names they want are, then what
 * stands there, then the folders above, one step up at a time for all of them together. Rounds are as many as the tree is
 * deep, calls of the store for each as many as the map has levels, however many operations there are.
 *
 * Nothing here decides anything: what is not foreseen is read when it is asked for.
 */
import type { NodeId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { Place } from '../../core/tree/keys.ts';
import type { DeleteOperation, Operation } from '../../core/wire/operation.ts';
import type { MergeTree } from '../tree-view.ts';

type PlacingOperation = Exclude<Operation, DeleteOperation>;

export async function prefetchOperations(tree: MergeTree, operations: readonly Operation[]): Promise<void> {
  const placing = operations.filter((operation) => operation.kind !== 'delete');
  const nodes = new Set(operations.map(({ nodeId }) => nodeId));
  const parents = new Set(placing.map(({ parentId }) => parentId));
  const folders = operations.filter(({ kind }) => kind === 'delete').map(({ nodeId }) => nodeId);
  await tree.prefetch({ nodes: new Set([...nodes, ...parents]), places: placing, folders });
  const standing: Place[] = [];
  for (const nodeId of [...nodes, ...parents]) {
    const place = await tree.locate(nodeId);
    if (place !== undefined) standing.push(place);
  }
  await tree.prefetch({ places: standing });
  await prefetchAbove(tree, parents);
  await prefetchInTwins(tree, placing);
}

async function prefetchAbove(tree: MergeTree, folders: ReadonlySet<NodeId>): Promise<void> {
  let rising = folders;
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

/**
 * A device that joins with a full folder makes folders that stand already: each will be taken as the one that stands, and what
 * is put into it goes there. So the names wanted there are looked up too, one level of folders after another.
 */
async function prefetchInTwins(tree: MergeTree, placing: readonly PlacingOperation[]): Promise<void> {
  const byParent = Map.groupBy(placing, ({ parentId }) => parentId);
  /** Each new folder once, so that operations that repeat cannot multiply from level to level. */
  const expanded = new Set<NodeId>();
  let rising: { readonly place: Place; readonly operation: PlacingOperation }[] = placing.map((operation) => ({
    place: operation,
    operation,
  }));
  for (let step = 0; step < limits.treeDepthMax; step++) {
    const within: typeof rising = [];
    const twins: NodeId[] = [];
    for (const { place, operation } of rising) {
      if (operation.kind !== 'mkdir' || (await tree.locate(operation.nodeId)) !== undefined) continue;
      const twin = await tree.get(place);
      if (twin?.kind !== 'folder' || expanded.has(operation.nodeId)) continue;
      expanded.add(operation.nodeId);
      twins.push(twin.nodeId);
      for (const child of byParent.get(operation.nodeId) ?? []) {
        within.push({ place: { parentId: twin.nodeId, name: child.name }, operation: child });
      }
    }
    if (within.length === 0) return;
    await tree.prefetch({ nodes: twins, places: within.map(({ place }) => place) });
    rising = within;
  }
}
