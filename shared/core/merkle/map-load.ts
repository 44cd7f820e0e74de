/** Loading nodes of the Merkle map from a source that need not be trusted: every node is checked for what its parent says of it. */
import { compareBytes, equalBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { mapNodeHash } from '../hash/blake3.ts';
import { type Digest, bytesToDigest, idToBytes } from '../ids.ts';
import { type MapNode, decodeMapNode, emptyMapNode, emptyMapRoot } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

/** What a parent says of a child: its hash, level, last key, and the key that all of its keys come after. */
export interface NodeRef {
  readonly hash: Uint8Array;
  /** Undefined for a root, of which nothing but the hash is known. */
  readonly place: NodePlace | undefined;
}

export interface NodePlace {
  readonly level: number;
  readonly last: Uint8Array;
  /** Undefined on the left edge of the map. */
  readonly after: Uint8Array | undefined;
}

/** A root to be loaded: any node that has the hash fits. */
export function rootRef(root: Digest): NodeRef {
  return { hash: idToBytes(root), place: undefined };
}

/** The child of item i of a node above level 0. `after` is the key before all of this node's. */
export function childRef(node: MapNode, i: number, after: Uint8Array | undefined): NodeRef {
  const place = { level: node.level - 1, last: node.keys[i]!, after: i === 0 ? after : node.keys[i - 1] };
  return { hash: node.values[i]!, place };
}

/**
 * The node of some bytes. Throws `corrupt` when they do not match the hash, `malformed` or `too-large` when they are not a
 * node, or not one that can stand in this place. So a path from the root is a search tree's, and a key has one place in it.
 */
export function checkNode(ref: NodeRef, bytes: Uint8Array): MapNode {
  if (!equalBytes(mapNodeHash(bytes), ref.hash)) {
    throw new TidemarkError('corrupt', 'a node of the map does not match its hash', {
      data: { node: bytesToDigest(ref.hash) },
    });
  }
  return mustFit(ref, decodeMapNode(bytes));
}

function mustFit(ref: NodeRef, node: MapNode): MapNode {
  if (ref.place === undefined || fits(node, ref.place)) return node;
  throw new TidemarkError('malformed', 'a node of the map does not fit its parent', {
    data: { node: bytesToDigest(ref.hash) },
  });
}

function fits(node: MapNode, { level, last, after }: NodePlace): boolean {
  const first = node.keys[0];
  if (first === undefined || node.level !== level) return false;
  return equalBytes(node.keys.at(-1)!, last) && (after === undefined || compareBytes(first, after) > 0);
}

/**
 * The nodes, checked, in the order asked, by one call of the source. Throws `corrupt` when the source has not one of them
 * or gives other bytes, and as `checkNode` does.
 */
export async function loadNodes(source: NodeSource, refs: readonly NodeRef[]): Promise<MapNode[]> {
  if (refs.length === 0) return [];
  const digests = refs.map((ref) => bytesToDigest(ref.hash));
  const { checked } = source;
  // Taken before the source is asked, which may let go of some.
  const known = digests.map((digest) => checked?.get(digest));
  const unknown = digests.filter((_, i) => known[i] === undefined);
  const found = unknown.length === 0 ? [] : await source.getNodes(unknown);
  let asked = 0;
  return refs.map((ref, i) => {
    const digest = digests[i]!;
    if (known[i] !== undefined) return mustFit(ref, known[i]);
    const bytes = found[asked++];
    if (bytes === undefined) {
      throw new TidemarkError('corrupt', 'a node of the map is missing', { data: { node: digest } });
    }
    const node = checkNode(ref, bytes);
    checked?.set(digest, node);
    return node;
  });
}

/** The root's node. The empty map's is known without asking. */
export async function loadRoot(source: NodeSource, root: Digest): Promise<MapNode> {
  if (root === emptyMapRoot) return decodeMapNode(emptyMapNode);
  return (await loadNodes(source, [rootRef(root)]))[0]!;
}

/** Index of the first key that is at least `key`, from index `from`; the number of keys when all are below. */
export function searchKeys(keys: readonly Uint8Array[], key: Uint8Array, from = 0): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
