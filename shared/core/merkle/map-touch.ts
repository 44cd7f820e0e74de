/**
 * Which nodes a batch of edits touches, found from the root down with one call of the source for each level.
 *
 * A node is touched when an edit's key is in its range, or when the node before it loses its last key: that key was the cut
 * between the two, so what is left of the first runs on into the second. Since a key is on level L + 1 only as the last of
 * its node on level L, the same deleted key joins the parents too, where it was their cut. All of this shows in the edits
 * and in the keys of the parents, before any leaf is read.
 */
import { compareBytes, equalBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { type Digest, bytesToDigest } from '../ids.ts';
import { limits } from '../limits.ts';
import { type NodeRef, childRef, loadNodes, loadRoot } from './map-load.ts';
import type { MapNode } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

/** Sets a key's value, or deletes the key when the value is null. Deleting what is absent is nothing. */
export interface MapEdit {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** A node that a batch of edits touches. */
export interface TouchedNode {
  readonly node: MapNode;
  readonly after: Uint8Array | undefined;
  /** Its place in the touched nodes of the level above and among that node's items; 0 and 0 for the root. */
  readonly parent: number;
  readonly item: number;
  /** The edits in its range: from (included) to (excluded). */
  readonly from: number;
  readonly to: number;
  /** Whether the node before it, touched too, loses its last key. */
  readonly joined: boolean;
  /** Whether it is the last node of its level: its end is the end of the map, not a cut. */
  readonly rightmost: boolean;
}

/** The touched nodes of each level, in key order; index 0 is level 0, the last index the root's. */
export interface TouchedTree {
  readonly levels: readonly (readonly TouchedNode[])[];
  /** The hashes of all nodes that were read. */
  readonly read: ReadonlySet<Digest>;
}

/** Throws `malformed` unless keys ascend strictly, `too-large` when a key or value is over its limit. */
export function checkEdits(edits: readonly MapEdit[]): void {
  for (const [i, { key, value }] of edits.entries()) {
    if (key.length > limits.mapKeyBytesMax || (value !== null && value.length > limits.mapValueBytesMax)) {
      throw new TidemarkError('too-large', 'a key or value of the map is over its limit', {
        data: { keyBytes: key.length, valueBytes: value === null ? 0 : value.length },
      });
    }
    if (i > 0 && compareBytes(edits[i - 1]!.key, key) >= 0) {
      throw new TidemarkError('malformed', 'the edits of the map must ascend by key and be distinct');
    }
  }
}

/** Loads every node that the edits touch. Throws as `loadNodes` does. */
export async function loadTouched(source: NodeSource, root: Digest, edits: readonly MapEdit[]): Promise<TouchedTree> {
  const node = await loadRoot(source, root);
  const top = { node, after: undefined, parent: 0, item: 0, from: 0, to: edits.length, joined: false, rightmost: true };
  const levels: (readonly TouchedNode[])[] = [[top]];
  const read = new Set([root]);
  for (let level = node.level; level > 0; level--) {
    const places = levels[0]!.flatMap((parent, i) => touchedChildren(parent, i, edits));
    const refs = places.map(({ item, parent }) => refOf(levels[0]![parent]!, item));
    const nodes = await loadNodes(source, refs);
    for (const ref of refs) read.add(bytesToDigest(ref.hash));
    levels.unshift(places.map((place, i) => ({ node: nodes[i]!, after: refs[i]!.place?.after, ...place })));
  }
  return { levels, read };
}

function refOf(parent: TouchedNode, item: number): NodeRef {
  return childRef(parent.node, item, parent.after);
}

type TouchedPlace = Omit<TouchedNode, 'node' | 'after'>;

function touchedChildren(touched: TouchedNode, parent: number, edits: readonly MapEdit[]): TouchedPlace[] {
  const { keys } = touched.node;
  const places: TouchedPlace[] = [];
  let joined = touched.joined;
  let from = touched.from;
  for (let item = 0; item < keys.length && (joined || from < touched.to); item++) {
    const rightmost = touched.rightmost && item === keys.length - 1;
    const to = rightmost ? touched.to : endOfEdits(edits, from, touched.to, keys[item]!);
    if (joined || to > from) places.push({ parent, item, from, to, joined, rightmost });
    joined = to > from && deletes(edits[to - 1]!, keys[item]!);
    from = to;
  }
  return places;
}

/** The first edit, from `from` on, whose key is above `last`. */
function endOfEdits(edits: readonly MapEdit[], from: number, end: number, last: Uint8Array): number {
  let to = from;
  while (to < end && compareBytes(edits[to]!.key, last) <= 0) to++;
  return to;
}

function deletes(edit: MapEdit, key: Uint8Array): boolean {
  return edit.value === null && equalBytes(edit.key, key);
}
