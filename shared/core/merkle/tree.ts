/**
 * Merkle root over a column of chunk hashes, and proofs for ranges of it. The shape is RFC 6962's (section 2.1): a tree of
 * n > 1 leaves splits at the largest power of two below n. A leaf is the chunk's hash itself; an inner node is BLAKE3,
 * keyed with BLAKE3("tidemark merkle node v1"), over left || right, so no inner node is ever the hash of a chunk.
 *
 *   leaves a b c d e:   root = N(N(N(a, b), N(c, d)), e)
 *   one leaf:           root = a
 *   no leaf:            root = BLAKE3 of no bytes
 *
 * Pairing neighbours level by level, with an odd last one promoted unchanged, gives the same tree without recursion.
 *
 * The proof of a range is the roots of the largest subtrees that lie outside it, from left to right: of [c, d] above,
 * N(a, b) and e.
 */
import { emptyBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { blake3Digest, merkleNodeHash } from '../hash/blake3.ts';
import { type Digest, type DigestColumn, bytesToDigest, columnLength, digestBytes } from '../ids.ts';
import { limits } from '../limits.ts';

/** The root of no leaves: BLAKE3 of no bytes. */
const emptyRoot: Digest = blake3Digest(emptyBytes);

/** The Merkle root of a column. Takes n - 1 hashes of 64 bytes and half of the column's size in memory. */
export function merkleRoot(column: DigestColumn): Digest {
  return column.length === 0 ? emptyRoot : bytesToDigest(subtreeRoot(column));
}

/** The root of at least one leaf. Halves a scratch column in place: what is read is always at or after what is written. */
function subtreeRoot(leaves: Uint8Array): Uint8Array {
  if (leaves.length === digestBytes) return leaves;
  let nodes = pairUp(leaves, new Uint8Array(Math.ceil(leaves.length / digestBytes / 2) * digestBytes));
  while (nodes.length > digestBytes) nodes = pairUp(nodes, nodes);
  return nodes;
}

/** Writes the next level of `nodes` into `into` and gives the part of it that was written. */
function pairUp(nodes: Uint8Array, into: Uint8Array): Uint8Array {
  const pair = 2 * digestBytes;
  let written = 0;
  let read = 0;
  for (; read + pair <= nodes.length; read += pair) {
    into.set(merkleNodeHash(nodes.subarray(read, read + pair)), written);
    written += digestBytes;
  }
  if (read < nodes.length) {
    into.set(nodes.subarray(read), written);
    written += digestBytes;
  }
  return into.subarray(0, written);
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const pair = new Uint8Array(2 * digestBytes);
  pair.set(left);
  pair.set(right, digestBytes);
  return merkleNodeHash(pair);
}

/**
 * The same root from leaves that come one by one, in memory of one digest for each bit of their count. Complete subtrees
 * wait by height, as the digits of a binary counter do.
 */
export class MerkleRootBuilder {
  readonly #complete: (Uint8Array | undefined)[] = [];
  #leaves = 0;

  /** How many leaves were appended. */
  get length(): number {
    return this.#leaves;
  }

  /** Appends one leaf of 32 bytes, which is copied. Throws `malformed` on any other length. */
  append(leaf: Uint8Array): void {
    if (leaf.length !== digestBytes) throw new TidemarkError('malformed', 'a leaf of a Merkle tree is 32 bytes');
    let node: Uint8Array = leaf.slice();
    let height = 0;
    for (let left = this.#complete[0]; left !== undefined; left = this.#complete[height]) {
      node = hashPair(left, node);
      this.#complete[height++] = undefined;
    }
    this.#complete[height] = node;
    this.#leaves++;
  }

  /** The root of the leaves so far. More may be appended afterwards. */
  root(): Digest {
    let right: Uint8Array | undefined;
    for (const left of this.#complete) {
      if (left !== undefined) right = right === undefined ? left : hashPair(left, right);
    }
    return right === undefined ? emptyRoot : bytesToDigest(right);
  }
}

/** The largest power of two below n, for n > 1: where a tree of n leaves splits. */
function splitOf(n: number): number {
  return 2 ** (31 - Math.clz32(n - 1));
}

/**
 * The hashes that, with leaves `from` (included) to `to` (excluded), give the root: a run of 32-byte digests, at most two
 * for each level. Throws `malformed` unless 0 <= from < to <= the column's length.
 */
export function proveRange(column: DigestColumn, from: number, to: number): Uint8Array {
  const total = columnLength(column);
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= total)) {
    throw new TidemarkError('malformed', 'the range to prove must lie in the column and not be empty', {
      data: { from, to, total },
    });
  }
  const hashes: Uint8Array[] = [];
  const visit = (low: number, high: number): void => {
    if (from <= low && high <= to) return;
    if (high <= from || to <= low) {
      hashes.push(subtreeRoot(column.subarray(low * digestBytes, high * digestBytes)));
      return;
    }
    const middle = low + splitOf(high - low);
    visit(low, middle);
    visit(middle, high);
  };
  visit(0, total);
  const proof = new Uint8Array(hashes.length * digestBytes);
  for (const [i, hash] of hashes.entries()) proof.set(hash, i * digestBytes);
  return proof;
}

/**
 * Whether `leaves` are leaves from, from + 1, … of the tree of `total` leaves that has this root. Never throws. An empty
 * range verifies only in the empty tree.
 *
 * `total` must come from where the root comes from (the manifest), because a root does not name its number of leaves: with
 * another total the answer is for a tree of another shape, and may be true where the two shapes look the same from the
 * range (leaf 0 of 3 and of 4). With the right total it is true for no other leaves and no other position.
 */
export function verifyRange(
  root: Digest,
  total: number,
  from: number,
  leaves: DigestColumn,
  proof: Uint8Array,
): boolean {
  const to = from + columnLength(leaves);
  if (!(Number.isInteger(total) && Number.isInteger(from) && Number.isInteger(to))) return false;
  if (total < 0 || total > limits.manifestChunksMax || from < 0 || to > total || proof.length % digestBytes !== 0) {
    return false;
  }
  if (total === 0) return proof.length === 0 && root === emptyRoot;
  if (from === to) return false;
  let used = 0;
  /** The subtree's root, from the leaves or the proof; undefined when the proof is too short. */
  const rootOf = (low: number, high: number): Uint8Array | undefined => {
    if (from <= low && high <= to) {
      return subtreeRoot(leaves.subarray((low - from) * digestBytes, (high - from) * digestBytes));
    }
    if (high <= from || to <= low) {
      const hash = proof.subarray(used, used + digestBytes);
      used += digestBytes;
      return hash.length === digestBytes ? hash : undefined;
    }
    const middle = low + splitOf(high - low);
    const left = rootOf(low, middle);
    const right = left === undefined ? undefined : rootOf(middle, high);
    return left === undefined || right === undefined ? undefined : hashPair(left, right);
  };
  const found = rootOf(0, total);
  return found !== undefined && used === proof.length && bytesToDigest(found) === root;
}
