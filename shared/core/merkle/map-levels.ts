/** A whole Merkle map level by level, for people and checks: how many nodes, items and bytes each level has. */
import type { Digest } from '../ids.ts';
import { type NodeRef, childRef, loadNodes, rootRef } from './map-load.ts';
import { encodeMapNode } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

export interface MapLevel {
  readonly level: number;
  readonly nodes: number;
  readonly items: number;
  /** Of the encoded nodes. */
  readonly bytes: number;
}

/**
 * From the root's level down to level 0. Reads and checks every node, holding one level's at a time. Throws `corrupt` for a node that is
 * missing or does not match its hash.
 */
export async function mapLevels(source: NodeSource, root: Digest): Promise<MapLevel[]> {
  const levels: MapLevel[] = [];
  for (let refs: NodeRef[] = [rootRef(root)]; refs.length > 0;) {
    const nodes = await loadNodes(source, refs);
    const level = nodes[0]?.level ?? 0;
    const items = nodes.reduce((total, node) => total + node.keys.length, 0);
    const bytes = nodes.reduce((total, node) => total + encodeMapNode(node).length, 0);
    levels.push({ level, nodes: nodes.length, items, bytes });
    const childrenOf = (place: number) => {
      const node = nodes[place]!;
      return node.keys.map((_, i) => childRef(node, i, refs[place]?.place?.after));
    };
    refs = level === 0 ? [] : nodes.flatMap((_, place) => childrenOf(place));
  }
  return levels;
}
