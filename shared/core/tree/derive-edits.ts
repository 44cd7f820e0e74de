/**
 * From the edits of entry keys to all edits of the tree's map. Journal entries carry entry keys only; where a node is (the
 * place keys, keys.ts) follows from them, so server and clients derive it here and come out at the same root.
 *
 * Each edited key has a node before (from the tree that is edited) and a node after (from the edit). A node that comes to a
 * key has its place there; one that only goes has none any more. So a node that moved inside the batch keeps its place key:
 *
 *     key      before   after        derived
 *     F/"a"    node 1   node 2       place(1) = F/"b"   it came to F/"b"
 *     F/"b"    node 3   node 1       place(2) = F/"a"   it is new
 *                                    place(3) = nil     it went and came nowhere
 */
import { compareBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import type { NodeId } from '../ids.ts';
import type { MapEdit } from '../merkle/map-apply.ts';
import type { TreeEdit } from '../wire/journal-entry.ts';
import { decodeEntry } from './entry.ts';
import { isEntryKey, placeKey } from './keys.ts';

/** A place value is the entry key without its tag (keys.ts). */
function placeValueOfKey(entryKey: Uint8Array): Uint8Array {
  return entryKey.slice(1);
}

/**
 * All edits of the map, ascending by key, for edits of entry keys that ascend strictly.
 *
 * @param before `before[i]` is the value of `edits[i].key` in the tree that is edited, undefined where it has none.
 * @throws TidemarkError `malformed` on a key that is not an entry key, keys that do not ascend, a value that is not an
 * entry, or one node at two places. Not checked: that a node which comes is not elsewhere in the tree, and that parents exist.
 */
export function deriveMapEdits(
  edits: readonly TreeEdit[],
  before: readonly (Uint8Array | undefined)[],
): readonly MapEdit[] {
  const places = new Map<NodeId, Uint8Array | null>();
  const standing = new Set<NodeId>();
  for (const [i, { key, value }] of edits.entries()) {
    if (!isEntryKey(key) || (i > 0 && compareBytes(edits[i - 1]!.key, key) >= 0)) {
      throw new TidemarkError('malformed', 'edits of the tree are entry keys in ascending order');
    }
    const old = before[i];
    const oldNode = old === undefined ? undefined : decodeEntry(old).nodeId;
    const newNode = value === null ? undefined : decodeEntry(value).nodeId;
    if (newNode !== undefined) {
      if (standing.has(newNode)) throw new TidemarkError('malformed', 'the edits put one node at two places');
      standing.add(newNode);
    }
    if (oldNode === newNode) continue;
    if (oldNode !== undefined && !standing.has(oldNode)) places.set(oldNode, null);
    if (newNode !== undefined) places.set(newNode, placeValueOfKey(key));
  }
  const placeEdits = [...places]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([nodeId, value]): MapEdit => ({ key: placeKey(nodeId), value }));
  return [...edits.map(({ key, value }): MapEdit => ({ key, value })), ...placeEdits];
}
