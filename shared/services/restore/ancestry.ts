/** The folders above nodes of one tree, and how deep they lie. Reads each folder once, however many ask. */
import { type NodeId, rootNodeId } from '../../core/ids.ts';
import type { TreeView } from '../tree-view.ts';

export class Ancestry {
  readonly #tree: TreeView;
  /** Folders whose line up to the root is known, with the number of folders on it, themselves included; the root has 0. */
  readonly #depths = new Map<NodeId, number>([[rootNodeId, 0]]);

  constructor(tree: TreeView) {
    this.#tree = tree;
  }

  /** Reads what is above some folders, one step up at a time for all of them together. */
  async prefetch(folders: Iterable<NodeId>): Promise<void> {
    let rising = new Set(folders);
    const seen = new Set<NodeId>();
    while (rising.size > 0) {
      await this.#tree.prefetch({ nodes: rising });
      const above = new Set<NodeId>();
      for (const nodeId of rising) {
        seen.add(nodeId);
        const parentId = (await this.#tree.locate(nodeId))?.parentId;
        if (parentId !== undefined && !seen.has(parentId) && !this.#depths.has(parentId)) above.add(parentId);
      }
      rising = above;
    }
  }

  /** A folder and those above it, up to the root; a folder that is nowhere has none above it. */
  async lineOf(folderId: NodeId): Promise<NodeId[]> {
    const line = [folderId];
    for (let nodeId = folderId; nodeId !== rootNodeId;) {
      const place = await this.#tree.locate(nodeId);
      if (place === undefined) break;
      nodeId = place.parentId;
      line.push(nodeId);
    }
    return line;
  }

  /** The number of folders from the root down to this one. */
  async depthOf(folderId: NodeId): Promise<number> {
    const unknown: NodeId[] = [];
    let nodeId: NodeId | undefined = folderId;
    while (nodeId !== undefined && !this.#depths.has(nodeId)) {
      unknown.push(nodeId);
      nodeId = (await this.#tree.locate(nodeId))?.parentId;
    }
    let depth = nodeId === undefined ? 0 : this.#depths.get(nodeId)!;
    for (const below of unknown.reverse()) this.#depths.set(below, ++depth);
    return depth;
  }
}
