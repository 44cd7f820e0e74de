import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { isLz4Wrapped, unwrapLz4, wrapLz4 } from '../../../shared/core/wire/lz4-block-array.ts';
import type { Codec } from '../../../shared/core/pack/codecs.ts';
import vectors from '../../vectors/lz4-block-array.json' with { type: 'json' };
import { fuzzDecoder } from '../base/mutations.ts';
import { noise, prose } from '../pack/pack-samples.ts';

const { lz4 } = nodeCodecs;

test('what was wrapped comes back, whatever the length', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 1, max: 2_000 }),
    fc.constantFrom(32_767, 32_768, 32_769, 65_536, 700_000),
  );
  fc.assert(
    fc.property(lengths, fc.nat(9), fc.boolean(), (length, seed, text) => {
      const plain = (text ? prose : noise)(length, seed);
      const wrapped = wrapLz4(plain, lz4);
      assert.ok(isLz4Wrapped(wrapped));
      assert.equal(bytesToHex(unwrapLz4(wrapped, lz4)), bytesToHex(plain));
    }),
    { numRuns: 60 },
  );
});

test('the vectors: hand-made messages as MessagePack-CSharp writes them, of all its versions', () => {
  for (const { comment, wrapped, plain, canonical } of vectors.valid) {
    const bytes = hexToBytes(wrapped.replaceAll(' ', ''));
    assert.ok(isLz4Wrapped(bytes), comment);
    assert.equal(bytesToHex(unwrapLz4(bytes, lz4)), plain.replaceAll(' ', ''), comment);
    if (canonical) assert.equal(bytesToHex(wrapLz4(unwrapLz4(bytes, lz4), lz4)), bytesToHex(bytes), comment);
  }
});

test('the vectors: messages that are refused', () => {
  for (const { comment, hex, code } of vectors.invalid) {
    assert.throws(
      () => unwrapLz4(hexToBytes(hex.replaceAll(' ', '')), lz4),
      (error) => isTidemarkError(error) && error.code === code,
      comment,
    );
  }
});

test('plain messages do not look wrapped', () => {
  for (const hex of ['', '90', '91', '9101', '92c0c0', 'dc0002', '92d401', '92d40163', '92c70163', 'a162', 'd46201']) {
    assert.equal(isLz4Wrapped(hexToBytes(hex)), false, hex);
  }
});

/** Counts what is asked of it, and gives nothing more than small arrays. */
function countingCodec(): { readonly codec: Codec; readonly asked: number[] } {
  const asked: number[] = [];
  const decompress = (stored: Uint8Array, plainLength: number): Uint8Array => {
    asked.push(plainLength);
    return lz4.decompress(stored, plainLength);
  };
  return { codec: { ...lz4, decompress }, asked };
}

test('L29: lengths are summed and capped before the first block is decoded', () => {
  const { codec, asked } = countingCodec();
  const wrapped = wrapLz4(new Uint8Array(1_000_000), codec);
  assert.throws(
    () => unwrapLz4(wrapped, codec, 999_999),
    (error) => isTidemarkError(error, 'too-large'),
  );
  assert.deepEqual(asked, []);
  assert.equal(unwrapLz4(wrapped, codec, 1_000_000).length, 1_000_000);
  // 16 MiB claimed by a block of 12 bytes: no LZ4 block grows that much.
  const lie = concatBytes(hexToBytes('92c70562ce01000000c40c'), hexToBytes('1f2a01000e602a2a2a2a2a2a'));
  asked.length = 0;
  assert.throws(
    () => unwrapLz4(lie, codec),
    (error) => isTidemarkError(error, 'malformed'),
  );
  assert.deepEqual(asked, []);
});

test('any bytes are a message or a coded error', () => {
  const valid = [wrapLz4(prose(100, 1), lz4), wrapLz4(concatBytes(prose(40_000, 2), noise(40_000, 3)), lz4)];
  fuzzDecoder(valid, (bytes) => unwrapLz4(bytes, lz4, 1 << 20), 2_000);
});
