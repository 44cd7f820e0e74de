/**
 * Keys of the workspace's Merkle map.
 *
 *     0x01 || parentId(16) || name (UTF-8)   -> entry            the listing of a folder is one prefix scan
 *     0x02 || nodeId(16)                     -> parentId || name where a node is, for every node but the root
 *
 * Worked example, node f1…f1 named "a" in the root:
 *
 *     01 0000…00 61   -> its entry
 *     02 f1f1…f1      -> 0000…00 61
 *
 * The second kind follows from the first (docs/decisions/0003), so journal entries carry only edits of the first.
 */
import { concatBytes, utf8, utf8ToText } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { type NodeId, bytesToNodeId, idBytes, idToBytes } from '../ids.ts';

/** Where a node is: a name in a folder. */
export interface Place {
  readonly parentId: NodeId;
  readonly name: string;
}

const entryTag = Uint8Array.of(1);
const placeTag = Uint8Array.of(2);

/** The key of what has this name in this folder. The name is not checked (paths/name.ts does). */
export function entryKey(place: Place): Uint8Array {
  return concatBytes(entryTag, idToBytes(place.parentId), utf8(place.name));
}

/** The prefix of the keys of everything in a folder. */
export function folderPrefix(folderId: NodeId): Uint8Array {
  return concatBytes(entryTag, idToBytes(folderId));
}

/** The prefix of all entry keys. */
export const entriesPrefix: Uint8Array = entryTag;

/** The key under which the place of a node stands. */
export function placeKey(nodeId: NodeId): Uint8Array {
  return concatBytes(placeTag, idToBytes(nodeId));
}

/** Whether a key begins as an entry key does. */
export function isEntryKey(key: Uint8Array): boolean {
  return key[0] === 1;
}

/** Throws `malformed` on a key that is not an entry key. */
export function entryKeyToPlace(key: Uint8Array): Place {
  if (!isEntryKey(key)) throw new TidemarkError('malformed', 'this tree key is not an entry key');
  return placeValueToPlace(key.subarray(1));
}

/** The value of a place key: the entry key without its tag. */
export function placeToValue(place: Place): Uint8Array {
  return concatBytes(idToBytes(place.parentId), utf8(place.name));
}

/** Throws `malformed` on bytes that are no parent id and name of at least one byte. The name is not checked further. */
export function placeValueToPlace(value: Uint8Array): Place {
  if (value.length <= idBytes) throw new TidemarkError('malformed', 'a place has a parent id and a name');
  let name: string;
  try {
    name = utf8ToText(value.subarray(idBytes));
  } catch (cause) {
    throw new TidemarkError('malformed', 'a name in the tree is not UTF-8', { cause });
  }
  return { parentId: bytesToNodeId(value.subarray(0, idBytes)), name };
}

/** Whether two places are one. */
export function samePlace(a: Place, b: Place): boolean {
  return a.parentId === b.parentId && a.name === b.name;
}
