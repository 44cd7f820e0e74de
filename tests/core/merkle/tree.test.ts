import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { concatBytes, emptyBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3, blake3Digest, merkleNodeHash } from '../../../shared/core/hash/blake3.ts';
import {
  type DigestColumn,
  bytesToDigest,
  columnBytesAt,
  columnLength,
  parseDigestColumn,
} from '../../../shared/core/ids.ts';
import { MerkleRootBuilder, merkleRoot, proveRange, verifyRange } from '../../../shared/core/merkle/tree.ts';

/** n distinct leaves. */
function leaves(n: number): DigestColumn {
  return parseDigestColumn(concatBytes(...Array.from({ length: n }, (_, i) => blake3(utf8(`leaf ${i}`)))));
}

function part(column: DigestColumn, from: number, to: number): DigestColumn {
  return parseDigestColumn(column.subarray(from * 32, to * 32));
}

/** RFC 6962, section 2.1, to the letter. */
function rootByTheBook(column: DigestColumn): Uint8Array {
  const n = columnLength(column);
  if (n === 0) return blake3(emptyBytes);
  if (n === 1) return column;
  let k = 1;
  while (k * 2 < n) k *= 2;
  return merkleNodeHash(concatBytes(rootByTheBook(part(column, 0, k)), rootByTheBook(part(column, k, n))));
}

/** What a proof of [from, to) of n leaves looks like: `r` leaves of the range, `p` a hash of the proof, else a pair. */
function shape(from: number, to: number, low: number, high: number): string {
  if (from <= low && high <= to) return `r${high - low}`;
  if (high <= from || to <= low) return 'p';
  let k = 1;
  while (k * 2 < high - low) k *= 2;
  return `(${shape(from, to, low, low + k)} ${shape(from, to, low + k, high)})`;
}

const anyRange = fc
  .integer({ min: 1, max: 70 })
  .chain((total) => fc.tuple(fc.constant(total), fc.nat(total - 1)))
  .chain(([total, from]) =>
    fc.record({ total: fc.constant(total), from: fc.constant(from), length: fc.nat(total - from - 1) }),
  )
  .map(({ total, from, length }) => ({ total, from, to: from + length + 1 }));

describe('the Merkle root of a column', () => {
  it('is that of RFC 6962 for every small number of leaves, at once and leaf by leaf', () => {
    const builder = new MerkleRootBuilder();
    for (let n = 0; n <= 130; n++) {
      const column = leaves(n);
      const root = bytesToDigest(rootByTheBook(column));
      assert.equal(merkleRoot(column), root);
      assert.equal(builder.root(), root);
      assert.equal(builder.length, n);
      builder.append(columnBytesAt(leaves(n + 1), n));
    }
  });

  it('is the chunk itself for one, and the hash of nothing for none', () => {
    assert.equal(merkleRoot(leaves(1)), bytesToDigest(leaves(1)));
    assert.equal(merkleRoot(leaves(0)), blake3Digest(emptyBytes));
  });

  it('does not change its input, nor keep it', () => {
    const column = leaves(9);
    const copy = column.slice();
    merkleRoot(column);
    assert.deepEqual(column, copy);
    const builder = new MerkleRootBuilder();
    const leaf = leaves(1).slice();
    builder.append(leaf);
    leaf.fill(0);
    assert.equal(builder.root(), merkleRoot(leaves(1)));
  });

  it('of 100,003 leaves is the same at once and leaf by leaf', () => {
    const column = parseDigestColumn(new Uint8Array(100_003 * 32).map((_, i) => (i * 2_654_435_761) >>> 13));
    const builder = new MerkleRootBuilder();
    for (let i = 0; i < columnLength(column); i++) builder.append(columnBytesAt(column, i));
    assert.equal(builder.root(), merkleRoot(column));
  });

  it('refuses a leaf that is not 32 bytes', () => {
    const malformed = (error: unknown) => isTidemarkError(error, 'malformed');
    assert.throws(() => new MerkleRootBuilder().append(new Uint8Array(31)), malformed);
  });
});

describe('range proofs', () => {
  it('verify, with at most two hashes a level', () => {
    for (let total = 1; total <= 33; total++) {
      const column = leaves(total);
      const root = merkleRoot(column);
      for (let from = 0; from < total; from++) {
        for (let to = from + 1; to <= total; to++) {
          const proof = proveRange(column, from, to);
          assert.ok(proof.length / 32 <= 2 * Math.ceil(Math.log2(total)));
          assert.ok(verifyRange(root, total, from, part(column, from, to), proof));
        }
      }
    }
  });

  it('fail when any bit of leaves, proof or root is flipped', () => {
    fc.assert(
      fc.property(anyRange, fc.nat(), fc.nat(7), ({ total, from, to }, place, bit) => {
        const column = leaves(total);
        const proof = proveRange(column, from, to);
        const all = concatBytes(part(column, from, to), proof, rootByTheBook(column));
        all[place % all.length]! ^= 1 << bit;
        const end = (to - from) * 32;
        const claimed = parseDigestColumn(all.slice(0, end));
        const verified = verifyRange(
          bytesToDigest(all.slice(-32)),
          total,
          from,
          claimed,
          all.slice(end, end + proof.length),
        );
        assert.equal(verified, false);
      }),
    );
  });

  it('fail when hashes are dropped, added or exchanged', () => {
    fc.assert(
      fc.property(anyRange, fc.nat(), fc.nat(), ({ total, from, to }, a, b) => {
        const column = leaves(total);
        const root = merkleRoot(column);
        const range = part(column, from, to);
        const proof = proveRange(column, from, to);
        const hashes = Array.from({ length: proof.length / 32 }, (_, i) => proof.slice(i * 32, i * 32 + 32));
        const verify = (changed: readonly Uint8Array[]) =>
          verifyRange(root, total, from, range, concatBytes(...changed));
        assert.equal(verify(hashes), true);
        assert.equal(verify([...hashes, columnBytesAt(column, 0)]), false);
        assert.equal(verify([columnBytesAt(column, total - 1), ...hashes]), false);
        assert.equal(verifyRange(root, total, from, range, concatBytes(proof, Uint8Array.of(0))), false);
        if (hashes.length === 0) return;
        assert.equal(verify(hashes.toSpliced(a % hashes.length, 1)), false);
        assert.equal(verifyRange(root, total, from, range, proof.slice(0, -1)), false);
        const [i, j] = [a % hashes.length, b % hashes.length];
        if (i !== j) assert.equal(verify(hashes.with(i, hashes[j]!).with(j, hashes[i]!)), false);
      }),
    );
  });

  it('fail for other leaves, another place and fewer or more leaves', () => {
    fc.assert(
      fc.property(anyRange, fc.integer({ min: -3, max: 90 }), ({ total, from, to }, other) => {
        const column = leaves(total);
        const root = merkleRoot(column);
        const proof = proveRange(column, from, to);
        if (other !== from) assert.equal(verifyRange(root, total, other, part(column, from, to), proof), false);
        const longer = parseDigestColumn(concatBytes(part(column, from, to), columnBytesAt(leaves(99), 98)));
        assert.equal(verifyRange(root, total, from, longer, proof), false);
        assert.equal(verifyRange(root, total, from, part(column, from, to - 1), proof), false);
        if (to - from > 1) {
          const swapped = parseDigestColumn(
            concatBytes(part(column, from + 1, from + 2), part(column, from, from + 1), part(column, from + 2, to)),
          );
          assert.equal(verifyRange(root, total, from, swapped, proof), false);
        }
      }),
    );
  });

  it('fail for another total, unless the tree of that size looks the same from the range', () => {
    fc.assert(
      fc.property(anyRange, fc.integer({ min: 0, max: 140 }), ({ total, from, to }, claimed) => {
        const column = leaves(total);
        const proof = proveRange(column, from, to);
        const verified = verifyRange(merkleRoot(column), claimed, from, part(column, from, to), proof);
        const same = claimed >= to && shape(from, to, 0, claimed) === shape(from, to, 0, total);
        assert.equal(verified, same);
        if (to === total && claimed < total) assert.equal(verified, false);
      }),
      { numRuns: 500 },
    );
  });

  it('know the empty tree, and refuse nonsense without throwing', () => {
    const none = leaves(0);
    const root = merkleRoot(none);
    assert.equal(verifyRange(root, 0, 0, none, emptyBytes), true);
    assert.equal(verifyRange(root, 0, 0, none, leaves(1)), false);
    assert.equal(verifyRange(merkleRoot(leaves(1)), 0, 0, none, emptyBytes), false);
    assert.equal(verifyRange(merkleRoot(leaves(2)), 2, 0, none, merkleNodeHash(leaves(2))), false);
    for (const odd of [Number.NaN, -1, 0.5, 2 ** 40, Number.POSITIVE_INFINITY]) {
      assert.equal(verifyRange(root, odd, 0, leaves(1), emptyBytes), false);
      assert.equal(verifyRange(root, 1, odd, leaves(1), emptyBytes), false);
    }
  });

  it('are refused for ranges that are empty or not in the column', () => {
    const malformed = (error: unknown) => isTidemarkError(error, 'malformed');
    for (const [from, to] of [
      [0, 0],
      [2, 1],
      [-1, 2],
      [0, 6],
      [0.5, 2],
      [0, Number.NaN],
    ] as const) {
      assert.throws(() => proveRange(leaves(5), from, to), malformed);
    }
  });
});
