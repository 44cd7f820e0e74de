import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compress as packageCompress, decompress as packageDecompress } from 'lz4-wasm-nodejs';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { concatBytes, hexToBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { mutated, takes } from '../base/mutations.ts';
import { noise, prose } from './pack-samples.ts';

const corrupt = (error: unknown): boolean => isTidemarkError(error, 'corrupt');
const samples = [
  noise(1, 1),
  noise(5_000, 2),
  prose(1, 3),
  prose(70_000, 4),
  new Uint8Array(300_000),
  prose(4 << 20, 5),
];

for (const name of ['lz4', 'zstd'] as const) {
  const codec = nodeCodecs[name];

  test(`${name}: what was compressed comes back`, () => {
    for (const plain of samples) assert.deepEqual(codec.decompress(codec.compress(plain), plain.length), plain);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.nat(20), (bytes, repeats) => {
        const plain = concatBytes(...Array.from({ length: repeats + 1 }, () => bytes));
        assert.deepEqual(codec.decompress(codec.compress(plain), plain.length), plain);
      }),
    );
  });

  test(`${name}: another length than the true one is corrupt`, () => {
    const stored = codec.compress(prose(5_000, 6));
    for (const length of [0, 1, 4_999, 5_001, 1 << 22]) assert.throws(() => codec.decompress(stored, length), corrupt);
  });

  test(`${name}: broken input is corrupt, or decodes to the asked length; the codec works afterwards`, () => {
    const plain = concatBytes(prose(2_000, 7), noise(300, 8), new Uint8Array(2_000));
    const stored = codec.compress(plain);
    const inputs = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated(stored));
    fc.assert(
      fc.property(inputs, fc.oneof(fc.constant(plain.length), fc.nat(70_000)), (bytes, length) => {
        takes(() => assert.equal(codec.decompress(bytes, length).length, length));
      }),
      { numRuns: 3_000 },
    );
    assert.deepEqual(codec.decompress(stored, plain.length), plain);
    assert.deepEqual(codec.compress(plain), stored);
  });

  test(`L29: ${name}: a bomb is stopped at the asked length`, () => {
    const bomb = codec.compress(new Uint8Array(64 << 20));
    const before = process.memoryUsage().rss;
    assert.throws(() => codec.decompress(bomb, 4_096), corrupt);
    assert.ok(process.memoryUsage().rss - before < 32 << 20);
  });
}

test('zstd: a frame that asks for a window over 4 MiB is refused', () => {
  // Magic, no flags, window descriptor (2^(10 + 12) and 2^(10 + 16) bytes), one last raw block of one byte.
  assert.deepEqual(nodeCodecs.zstd.decompress(hexToBytes('28b52ffd006009000061'), 1), hexToBytes('61'));
  assert.throws(() => nodeCodecs.zstd.decompress(hexToBytes('28b52ffd008009000061'), 1), corrupt);
});

test('lz4: the bytes are those of the package, without its length prefix', () => {
  for (const plain of samples.slice(0, 5)) {
    const stored = nodeCodecs.lz4.compress(plain);
    const theirs = packageCompress(plain);
    assert.deepEqual(stored, theirs.slice(4));
    assert.deepEqual(packageDecompress(theirs), plain);
  }
});

test('lz4: a block written by hand from the format description decodes', () => {
  assert.deepEqual(nodeCodecs.lz4.decompress(hexToBytes('1f2a01000e602a2a2a2a2a2a'), 40), new Uint8Array(40).fill(42));
  assert.throws(() => nodeCodecs.lz4.decompress(hexToBytes('1f2a02000e602a2a2a2a2a2a'), 40), corrupt);
});

test('lz4: inputs that need more memory than an instance keeps leave the next call as good as the first', () => {
  const large = noise(24 << 20, 10);
  assert.deepEqual(nodeCodecs.lz4.decompress(nodeCodecs.lz4.compress(large), large.length), large);
  const small = prose(1_000, 11);
  assert.deepEqual(nodeCodecs.lz4.decompress(nodeCodecs.lz4.compress(small), 1_000), small);
});
