/**
 * The difference of two Merkle maps (format: map-node.ts), in time proportional to it.
 *
 * Level by level from the roots, a node that both maps have is dropped on both sides, for it holds the same pairs in both;
 * only the others are read. Nodes that are the same have the same last key, so one pass over the two sorted lists of a
 * level finds them. What remains at level 0 is the leaves that differ (map-diff-leaves.ts).
 *
 * Example: maps of a million pairs that differ in one value have four levels; eight nodes are read, in four calls.
 */
import { compareBytes, equalBytes } from '../bytes.ts';
import { type Digest, idToBytes } from '../ids.ts';
import { LeafQueue, type MapDifference, mergeLeaves } from './map-diff-leaves.ts';
import { type NodeRef, childRef, loadNodes, loadRoot } from './map-load.ts';
import { type MapNode, emptyMapRoot } from './map-node.ts';
import { MemoryNodeSource, OverlayNodeSource } from './memory-node-source.ts';
import type { NodeSource } from './node-source.ts';

export type { MapDifference } from './map-diff-leaves.ts';

/** Inner nodes that one call of the source asks for at most. */
const batchNodes = 256;

/** One map's nodes of one level that the other map may not have, in key order. */
interface Side {
  readonly level: number;
  readonly refs: readonly NodeRef[];
}

/**
 * The differences in key order. Reads the two roots, and otherwise only nodes that one map has and the other has not, each
 * once. Memory: a window of leaves, and a reference of some 200 bytes to each leaf that differs.
 */
export async function* mapDiff(source: NodeSource, before: Digest, after: Digest): AsyncGenerator<MapDifference> {
  if (before === after) return;
  const withRoots = await keepRoots(source, [before, after]);
  let left = await rootSide(withRoots, before);
  let right = await rootSide(withRoots, after);
  while (left.level > 0 || right.level > 0) {
    if (left.level === right.level) [left, right] = dropShared(left, right);
    const level = Math.max(left.level, right.level);
    const opened = [left, right].flatMap((side) => (side.level === level ? side.refs : []));
    const nodes = await loadInBatches(withRoots, opened);
    const split = left.level === level ? left.refs.length : 0;
    if (left.level === level) left = childSide(left, nodes.slice(0, split));
    if (right.level === level) right = childSide(right, nodes.slice(split));
  }
  [left, right] = dropShared(left, right);
  yield* mergeLeaves(withRoots, new LeafQueue(left.refs), new LeafQueue(right.refs));
}

/** The source, with the roots' nodes at hand: their level must be known before anything is compared. */
async function keepRoots(source: NodeSource, roots: readonly Digest[]): Promise<NodeSource> {
  const wanted = roots.filter((root) => root !== emptyMapRoot);
  const found = await source.getNodes(wanted);
  const kept = new Map<Digest, Uint8Array>();
  for (const [i, root] of wanted.entries()) if (found[i] !== undefined) kept.set(root, found[i]);
  return new OverlayNodeSource(new MemoryNodeSource(kept), source);
}

async function rootSide(source: NodeSource, root: Digest): Promise<Side> {
  const { level, keys } = await loadRoot(source, root);
  const last = keys.at(-1);
  return {
    level,
    refs: last === undefined ? [] : [{ hash: idToBytes(root), place: { level, last, after: undefined } }],
  };
}

/** Both lists without the nodes that are in both. */
function dropShared(left: Side, right: Side): [Side, Side] {
  const onlyLeft: NodeRef[] = [];
  const onlyRight: NodeRef[] = [];
  let j = 0;
  for (const ref of left.refs) {
    while (j < right.refs.length && compareLast(right.refs[j]!, ref) < 0) onlyRight.push(right.refs[j++]!);
    const twin = right.refs[j];
    if (twin !== undefined && compareLast(twin, ref) === 0 && equalBytes(twin.hash, ref.hash)) j++;
    else onlyLeft.push(ref);
  }
  for (; j < right.refs.length; j++) onlyRight.push(right.refs[j]!);
  return [
    { level: left.level, refs: onlyLeft },
    { level: right.level, refs: onlyRight },
  ];
}

function compareLast(a: NodeRef, b: NodeRef): number {
  return a.place === undefined || b.place === undefined ? 0 : compareBytes(a.place.last, b.place.last);
}

async function loadInBatches(source: NodeSource, refs: readonly NodeRef[]): Promise<MapNode[]> {
  const nodes: MapNode[] = [];
  for (let at = 0; at < refs.length; at += batchNodes) {
    for (const node of await loadNodes(source, refs.slice(at, at + batchNodes))) nodes.push(node);
  }
  return nodes;
}

function childSide(side: Side, nodes: readonly MapNode[]): Side {
  const refs: NodeRef[] = [];
  for (const [n, node] of nodes.entries()) {
    for (let i = 0; i < node.keys.length; i++) refs.push(childRef(node, i, side.refs[n]?.place?.after));
  }
  return { level: side.level - 1, refs };
}
