/**
 * Applying a sorted batch of edits to the Merkle map (its format: map-node.ts).
 *
 * First the touched nodes are loaded, level by level from the root (map-touch.ts); then, without waiting for anything, each
 * level is cut anew from the leaves up, but only inside touched nodes. What comes out is what building from nothing would
 * give, because a cut depends on its own key alone: an old item that did not end its node still does not, an old last item
 * still does, and new items are asked for their rank. Three things need care:
 *
 *   a deleted last key   what is left of its node runs on into the next one, which map-touch.ts has loaded
 *   the right edge       the last node of a level ends because the map does; once keys follow, its last item's rank decides
 *   the height           above a level of several nodes another is built; a root with one item above level 0 gives way to
 *                        its only child, until the root is the lowest level that has one node
 *
 * Example: [a g] [h] under a root, cut after g. Deleting g joins them: [a h], which is the only node of level 0 and so the
 * root; the old root is gone. Setting g again cuts [a g] [h] and builds the old root, to the byte.
 */
import { equalBytes } from '../bytes.ts';
import { type Digest, bytesToDigest } from '../ids.ts';
import { type CutItem, LevelCutter } from './map-cut.ts';
import { childRef, loadNodes, rootRef, searchKeys } from './map-load.ts';
import { type MapNode, decodeMapNode, emptyMapNode, emptyMapRoot } from './map-node.ts';
import { mapKeyRank } from './map-rank.ts';
import { type MapEdit, type TouchedNode, checkEdits, loadTouched } from './map-touch.ts';
import type { NodeSource } from './node-source.ts';

export type { MapEdit } from './map-touch.ts';

export interface MapApplied {
  readonly root: Digest;
  /** The nodes of the new map that were not read from the old one: what a store has to keep. Empty if nothing changed. */
  readonly nodes: ReadonlyMap<Digest, Uint8Array>;
}

/** What takes the place of a touched node on the level above; undefined when it stays as it is. */
type Replacement = readonly CutItem[] | undefined;

/**
 * The map after these edits, which must ascend strictly by key (`malformed` otherwise) and keep the limits of keys, values,
 * items and levels (`too-large`). Memory is that of the touched nodes, before and after; one call of the source for each
 * level. Nothing is written: the caller stores the nodes, in any order, before it lets anyone see the root.
 */
export async function mapApply(source: NodeSource, root: Digest, edits: readonly MapEdit[]): Promise<MapApplied> {
  checkEdits(edits);
  const unchanged: MapApplied = { root, nodes: new Map() };
  if (edits.length === 0) return unchanged;
  const { levels, read } = await loadTouched(source, root, edits);
  const nodes = new Map<Digest, Uint8Array>();
  let replacements = recutLeaves(levels[0]!, edits, new LevelCutter(0, nodes, read));
  if (replacements.every((replacement) => replacement === undefined)) return unchanged;
  for (let level = 1; level < levels.length; level++) {
    const cutter = new LevelCutter(level, nodes, read);
    replacements = recutInner(levels[level]!, levels[level - 1]!, replacements, cutter);
  }
  const top = replacements[0];
  if (top === undefined) return unchanged;
  const grown = growRoot(top, levels.length, nodes, read);
  if (grown === undefined) return { root: emptyMapRoot, nodes: new Map([[emptyMapRoot, emptyMapNode]]) };
  return { root: await lowerRoot(source, grown, nodes), nodes };
}

function recutLeaves(touched: readonly TouchedNode[], edits: readonly MapEdit[], cutter: LevelCutter): Replacement[] {
  return touched.map((leaf, i) => {
    const effective = edits.slice(leaf.from, leaf.to).filter((edit) => changes(leaf.node, edit));
    if (effective.length === 0 && !cutter.isOpen) return undefined;
    pushMerged(leaf, effective, cutter);
    if (!touched[i + 1]?.joined) cutter.close();
    return cutter.take();
  });
}

function changes({ keys, values }: MapNode, { key, value }: MapEdit): boolean {
  const at = searchKeys(keys, key);
  const present = at < keys.length && equalBytes(keys[at]!, key);
  return value === null ? present : !present || !equalBytes(values[at]!, value);
}

/** The leaf's pairs with the edits, each of which changes something, worked in. */
function pushMerged({ node, rightmost }: TouchedNode, edits: readonly MapEdit[], cutter: LevelCutter): void {
  const { keys, values } = node;
  const last = keys.length - 1;
  let at = 0;
  const pushUntil = (end: number): void => {
    for (; at < end; at++) cutter.push(keys[at]!, values[at]!, at === last && endsOld(keys[at]!, rightmost, 0));
  };
  for (const { key, value } of edits) {
    pushUntil(searchKeys(keys, key, at));
    if (at < keys.length && equalBytes(keys[at]!, key)) {
      if (value !== null) cutter.push(key, value, at === last && endsOld(key, rightmost, 0));
      at++;
    } else if (value !== null) {
      cutter.push(key, value, mapKeyRank(key) > 0);
    }
  }
  pushUntil(keys.length);
}

/** Whether the old last item of a node ends it: always, except that at the end of the map nothing but the key says so. */
function endsOld(key: Uint8Array, rightmost: boolean, level: number): boolean {
  return !rightmost || mapKeyRank(key) > level;
}

/** Cuts the touched nodes of a level above 0 anew, given what takes the place of the touched nodes below. */
function recutInner(
  touched: readonly TouchedNode[],
  below: readonly TouchedNode[],
  replacements: readonly Replacement[],
  cutter: LevelCutter,
): Replacement[] {
  let child = 0;
  return touched.map((parent, i) => {
    const start = child;
    while (below[child]?.parent === i) child++;
    const changed = replacements.slice(start, child).some((replacement) => replacement !== undefined);
    if (!changed && !cutter.isOpen) return undefined;
    pushReplaced(parent, below.slice(start, child), replacements.slice(start, child), cutter);
    if (!touched[i + 1]?.joined) cutter.close();
    return cutter.take();
  });
}

function pushReplaced(
  { node, rightmost }: TouchedNode,
  below: readonly TouchedNode[],
  replacements: readonly Replacement[],
  cutter: LevelCutter,
): void {
  const { level, keys, values } = node;
  let child = 0;
  for (let item = 0; item < keys.length; item++) {
    const replacement = below[child]?.item === item ? replacements[child++] : undefined;
    if (replacement === undefined) {
      const isLast = item === keys.length - 1;
      cutter.push(keys[item]!, values[item]!, isLast && endsOld(keys[item]!, rightmost, level));
    } else {
      for (const { key, value } of replacement) cutter.push(key, value, mapKeyRank(key) > level);
    }
  }
}

/** Builds levels, from `height` up, above the nodes of the one below until there is a single node; undefined for no node. */
function growRoot(
  top: readonly CutItem[],
  height: number,
  nodes: Map<Digest, Uint8Array>,
  read: ReadonlySet<Digest>,
): CutItem | undefined {
  let items = top;
  for (let level = height; items.length > 1; level++) {
    const cutter = new LevelCutter(level, nodes, read);
    for (const { key, value } of items) cutter.push(key, value, mapKeyRank(key) > level);
    cutter.close();
    items = cutter.take();
  }
  return items[0];
}

/** Gives up roots with a single child, which are of no level that the map needs, and takes them out of the new nodes. */
async function lowerRoot(source: NodeSource, top: CutItem, nodes: Map<Digest, Uint8Array>): Promise<Digest> {
  let ref = rootRef(bytesToDigest(top.value));
  for (;;) {
    const digest = bytesToDigest(ref.hash);
    const made = nodes.get(digest);
    const node = made === undefined ? (await loadNodes(source, [ref]))[0]! : decodeMapNode(made);
    if (node.level === 0 || node.keys.length > 1) return digest;
    nodes.delete(digest);
    ref = childRef(node, 0, undefined);
  }
}
