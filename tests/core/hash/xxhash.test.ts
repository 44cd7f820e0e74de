import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { createXxh128, createXxh64 } from '../../../shared/core/hash/xxhash.ts';
import vectors from '../../vectors/xxhash.json' with { type: 'json' };

/** The input of xxHash's own sanity check. */
function sanityInput(length: number): Uint8Array {
  let generator = 2654435761n;
  return Uint8Array.from({ length }, () => {
    const byte = Number(generator >> 56n);
    generator = BigInt.asUintN(64, generator * 11400714785074694797n);
    return byte;
  });
}

for (const [name, create] of [['xxh64', createXxh64] as const, ['xxh128', createXxh128] as const]) {
  test(`${name}: the vectors of xxHash's sanity check`, async () => {
    for (const { length, seed, hash } of vectors[name]) {
      const hasher = await create({ low: seed, high: 0 });
      assert.equal(bytesToHex(hasher.hash(sanityInput(length))), hash, `length ${length}, seed ${seed}`);
    }
  });

  test(`${name}: in pieces as at once, again and again`, async () => {
    const hasher = await create({ low: 7, high: 11 });
    const input = sanityInput(100_000);
    for (const piece of [1, 31, 4_096, 99_999]) {
      hasher.init();
      for (let at = 0; at < input.length; at += piece) hasher.update(input.subarray(at, at + piece));
      assert.deepEqual(hasher.digest(), hasher.hash(input), `pieces of ${piece}`);
    }
  });

  test(`${name}: both halves of the seed count`, async () => {
    const input = sanityInput(1_000);
    const seeds = [
      { low: 0, high: 0 },
      { low: 1, high: 0 },
      { low: 0, high: 1 },
      { low: 0xffffffff, high: 0xffffffff },
    ];
    const hashes = await Promise.all(seeds.map(async (seed) => bytesToHex((await create(seed)).hash(input))));
    assert.equal(new Set(hashes).size, seeds.length);
  });
}
