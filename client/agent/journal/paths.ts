/** Paths of nodes in a tree of places: from the root, `/`-separated; the root's own is empty. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';

/**
 * The path of a node, by where each node is; undefined when it, or a folder above it, is nowhere.
 * @throws TidemarkError `too-large` over `treeDepthMax` folders: a ring of folders ends here too.
 */
export function pathOf(nodeId: NodeId, placeOf: (nodeId: NodeId) => Place | undefined): string | undefined {
  const names: string[] = [];
  for (let id = nodeId; id !== rootNodeId;) {
    const place = placeOf(id);
    if (place === undefined) return undefined;
    if (names.length > limits.treeDepthMax) {
      throw new TidemarkError('too-large', 'a node lies below too many folders', { data: { nodeId } });
    }
    names.push(place.name);
    id = place.parentId;
  }
  return names.reverse().join('/');
}

/** A name in a folder whose path is known. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
