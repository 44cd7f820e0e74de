/**
 * Proof that a key is in a Merkle map with some value, or is not: the bytes of the nodes on the way from the root to the
 * leaf whose range has the key. A key above the map's last one is in no range, and the root alone proves it absent.
 *
 * Every node is checked to hash to what its parent says and to lie in its parent's range, so for one root and key there is
 * exactly one proof that verifies.
 */
import { equalBytes } from '../bytes.ts';
import { TidemarkError, isTidemarkError } from '../errors.ts';
import { type Digest, bytesToDigest } from '../ids.ts';
import { type NodeRef, checkNode, childRef, rootRef, searchKeys } from './map-load.ts';
import { type MapNode, emptyMapNode, emptyMapRoot } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

/** The nodes from the root to the leaf, at most mapLevelsMax. Throws `corrupt` when the source has not one of them. */
export async function mapProve(source: NodeSource, root: Digest, key: Uint8Array): Promise<readonly Uint8Array[]> {
  const proof: Uint8Array[] = [];
  for (let ref: NodeRef | undefined = rootRef(root); ref !== undefined;) {
    const digest = bytesToDigest(ref.hash);
    const bytes: Uint8Array | undefined = digest === emptyMapRoot ? emptyMapNode : (await source.getNodes([digest]))[0];
    if (bytes === undefined) {
      throw new TidemarkError('corrupt', 'a node of the map is missing', { data: { node: digest } });
    }
    proof.push(bytes);
    ref = next(ref, checkNode(ref, bytes), key);
  }
  return proof;
}

/** The child whose range has the key, of a node above level 0; undefined where the way ends. */
function next(ref: NodeRef, node: MapNode, key: Uint8Array): NodeRef | undefined {
  const item = searchKeys(node.keys, key);
  return node.level === 0 || item === node.keys.length ? undefined : childRef(node, item, ref.place?.after);
}

/**
 * The value of the key in the map with this root, or undefined when the proof shows that the key is absent. Throws
 * `corrupt`, and nothing else, when the proof does not verify. It proves what the root holds, not that the root is the
 * current one.
 */
export function verifyMapProof(root: Digest, key: Uint8Array, proof: readonly Uint8Array[]): Uint8Array | undefined {
  let ref: NodeRef | undefined = rootRef(root);
  let node: MapNode | undefined;
  for (const bytes of proof) {
    if (ref === undefined) throw refused('it has nodes past its end');
    node = checkProved(ref, bytes);
    ref = next(ref, node, key);
  }
  if (ref !== undefined || node === undefined) throw refused('it ends early');
  const item = searchKeys(node.keys, key);
  return node.level === 0 && item < node.keys.length && equalBytes(node.keys[item]!, key)
    ? node.values[item]
    : undefined;
}

function checkProved(ref: NodeRef, bytes: Uint8Array): MapNode {
  try {
    return checkNode(ref, bytes);
  } catch (error) {
    if (isTidemarkError(error)) throw refused(error.message, error);
    throw error;
  }
}

function refused(why: string, cause?: unknown): TidemarkError {
  return new TidemarkError('corrupt', `the proof of a key of the map does not verify: ${why}`, { cause });
}
