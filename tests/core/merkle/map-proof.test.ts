import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, compareBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { Digest } from '../../../shared/core/ids.ts';
import { mapProve, verifyMapProof } from '../../../shared/core/merkle/map-proof.ts';
import { emptyMapNode, emptyMapRoot } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import { anyContent, anyKey, buildByTheBook, manyPairs, rankedKeys, sortedItems, storedMap } from './map-model.ts';

function refused(root: Digest, key: Uint8Array, proof: readonly Uint8Array[]): void {
  assert.throws(
    () => verifyMapProof(root, key, proof),
    (error) => isTidemarkError(error, 'corrupt'),
  );
}

describe('proofs of the Merkle map', () => {
  it('show the value of each key that is there, and the absence of each that is not', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, async (content) => {
        const { source, root } = await storedMap(content);
        for (const key of [...rankedKeys, utf8(''), utf8('z')]) {
          const proof = await mapProve(source, root, key);
          assert.deepEqual(verifyMapProof(root, key, proof), content.get(bytesToHex(key)));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('fail when any byte is altered', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, anyKey, fc.nat(), fc.nat(), fc.nat(7), async (content, key, n, place, bit) => {
        const { source, root } = await storedMap(content);
        const proof = [...(await mapProve(source, root, key))];
        const altered = Uint8Array.from(proof[n % proof.length]!);
        altered[place % altered.length]! ^= 1 << bit;
        refused(root, key, proof.with(n % proof.length, altered));
      }),
      { numRuns: 200 },
    );
  });

  it('fail when nodes are dropped, added, doubled, exchanged or cut short', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, anyKey, fc.nat(), fc.nat(), async (content, key, a, b) => {
        const { source, root } = await storedMap(content);
        const proof = [...(await mapProve(source, root, key))];
        const i = a % proof.length;
        const others = [...buildByTheBook(content).nodes.values()];
        refused(root, key, proof.toSpliced(i, 1));
        refused(root, key, proof.toSpliced(i, 0, proof[i]!));
        refused(root, key, [...proof, others[b % others.length]!]);
        refused(root, key, [emptyMapNode, ...proof]);
        refused(root, key, proof.with(i, proof[i]!.subarray(0, -1)));
        const j = b % proof.length;
        if (i !== j) refused(root, key, proof.with(i, proof[j]!).with(j, proof[i]!));
        const other = others[b % others.length]!;
        if (compareBytes(other, proof[i]!) !== 0) refused(root, key, proof.with(i, other));
        refused(root, key, []);
      }),
      { numRuns: 200 },
    );
  });

  it('of one key do not pass for another, nor for another root', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, anyContent, anyKey, anyKey, async (content, others, key, other) => {
        const { source, root } = await storedMap(content);
        const proof = await mapProve(source, root, key);
        const own = await mapProve(source, root, other);
        const samePath = own.length === proof.length && own.every((bytes, i) => compareBytes(bytes, proof[i]!) === 0);
        if (samePath) assert.deepEqual(verifyMapProof(root, other, proof), content.get(bytesToHex(other)));
        else refused(root, other, proof);
        const elsewhere = buildByTheBook(others).root;
        if (elsewhere !== root) refused(elsewhere, key, proof);
      }),
      { numRuns: 200 },
    );
  });

  it('are as long as the tree is high, in a large one', async () => {
    const content = manyPairs(20_000);
    const { source, root } = await storedMap(content);
    const { levels } = buildByTheBook(content);
    const { key, value } = sortedItems(content)[1_234]!;
    const proof = await mapProve(source, root, key);
    assert.equal(proof.length, levels);
    assert.deepEqual(verifyMapProof(root, key, proof), Uint8Array.from(value));
    const absent = Uint8Array.from([...key, 0]);
    assert.equal(verifyMapProof(root, absent, await mapProve(source, root, absent)), undefined);
  });

  it('know the empty map', async () => {
    const proof = await mapProve(new MemoryNodeSource(), emptyMapRoot, utf8('a'));
    assert.deepEqual(proof, [emptyMapNode]);
    assert.equal(verifyMapProof(emptyMapRoot, utf8('a'), proof), undefined);
  });

  it('cannot be made without the nodes', async () => {
    const { root } = await storedMap(manyPairs(500));
    const source = new MemoryNodeSource();
    await assert.rejects(mapProve(source, root, utf8('a')), (error) => isTidemarkError(error, 'corrupt'));
  });
});
