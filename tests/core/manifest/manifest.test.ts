import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { bytesToHex, concatBytes, hexToBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, columnLength, digestBytes, parseDigestColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import {
  type BuiltManifest,
  type ChunkList,
  assembleManifest,
  buildManifest,
  chunksOfManifest,
  decodeManifest,
  decodeSegment,
} from '../../../shared/core/manifest/manifest.ts';
import { encodeSegment, segmentEnd } from '../../../shared/core/manifest/segment.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import vectors from '../../vectors/manifest.json' with { type: 'json' };
import { fuzzDecoder, mutated, takes } from '../base/mutations.ts';
import { noise } from '../pack/pack-samples.ts';

const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');
const corrupt = (error: unknown): boolean => isTidemarkError(error, 'corrupt');

/** `count` chunks of noise hashes; where `ends` says so, a hash ends in zero, elsewhere never. */
function chunkList(count: number, seed: number, ends: (i: number) => boolean = () => false): ChunkList {
  const hashes = noise(count * digestBytes, seed);
  const lengths = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const last = (i + 1) * digestBytes - 1;
    hashes[last] = ends(i) ? 0 : hashes[last]! | 1;
    lengths[i] = 1 + (hashes[i * digestBytes]! << 8);
  }
  return { hashes: parseDigestColumn(hashes), lengths };
}

function assembled(built: BuiltManifest, root: Digest = built.root): ChunkList {
  return assembleManifest(root, decodeManifest(built.manifest!), (hash) => built.segments.get(hash));
}

const lists = fc
  .tuple(
    fc.oneof(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 2, max: 9_000 })),
    fc.nat(99),
    fc.integer({ min: 2, max: 600 }),
  )
  .map(([count, seed, every]) => chunkList(count, seed, (i) => (i * 7 + seed) % every === 0));

test('a chunk list comes back from its manifest and segments', () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 255 }), (chunks, profileId) => {
      const built = buildManifest(profileId, chunks);
      assert.equal(built.root, merkleRoot(chunks.hashes));
      assert.equal(
        built.size,
        chunks.lengths.reduce((sum, length) => sum + length, 0),
      );
      const manifest = decodeManifest(built.manifest!);
      assert.equal(manifest.profileId, profileId);
      assert.equal(manifest.size, built.size);
      assert.equal(chunksOfManifest(manifest), chunks.lengths.length);
      assert.equal(manifest.inline === null, built.segments.size > 0);
      const { hashes, lengths } = assembled(built);
      assert.deepEqual(lengths, chunks.lengths);
      assert.equal(bytesToHex(hashes), bytesToHex(chunks.hashes));
    }),
    { numRuns: 60 },
  );
});

test('files of no chunk and of one need no manifest', () => {
  const none = buildManifest(1, chunkList(0, 1));
  assert.deepEqual([none.manifest, none.size, none.segments.size], [null, 0, 0]);
  assert.equal(none.root, blake3Digest(new Uint8Array(0)));
  const one = chunkList(1, 1);
  const built = buildManifest(1, one);
  assert.deepEqual([built.manifest, built.size], [null, one.lengths[0]]);
  assert.equal(built.root, bytesToHex(one.hashes));
});

test('segments end after a zero byte, at 4,096 chunks, and with the file', () => {
  const ends = (count: number, seed: number, at: (i: number) => boolean): number[] => {
    const { hashes } = chunkList(count, seed, at);
    const found: number[] = [];
    for (let start = 0; start < count; start = found.at(-1)!) found.push(segmentEnd(hashes, start));
    return found;
  };
  assert.deepEqual(
    ends(10, 1, () => false),
    [10],
  );
  assert.deepEqual(
    ends(10, 1, (i) => i === 3 || i === 4 || i === 9),
    [4, 5, 10],
  );
  assert.deepEqual(
    ends(9_000, 1, () => false),
    [4_096, 8_192, 9_000],
  );
  assert.deepEqual(
    ends(9_000, 1, (i) => i === 99),
    [100, 4_196, 8_292, 9_000],
  );
});

test('a chunk inserted anywhere changes one segment, or two where it ends one', () => {
  const count = 20_000;
  const before = chunkList(count, 5, (i) => i % 256 === 255);
  const old = buildManifest(2, before).segments;
  for (const at of [0, 1, 255, 256, 10_000, count]) {
    for (const endsSegment of [false, true]) {
      const extra = chunkList(1, 77, () => endsSegment);
      const hashes = concatBytes(before.hashes.subarray(0, at * 32), extra.hashes, before.hashes.subarray(at * 32));
      const lengths = Uint32Array.from([...before.lengths.subarray(0, at), 5, ...before.lengths.subarray(at)]);
      const next = buildManifest(2, { hashes: parseDigestColumn(hashes), lengths });
      const fresh = [...next.segments.keys()].filter((hash) => !old.has(hash));
      assert.ok(fresh.length >= 1 && fresh.length <= 2, `${fresh.length} new segments for an insertion at ${at}`);
      assert.equal(assembled(next).lengths.length, count + 1);
    }
  }
});

test('a manifest is much smaller than JSON', () => {
  for (const count of [100, 10_000]) {
    const chunks = chunkList(count, 3, (i) => i % 256 === 255);
    const built = buildManifest(2, chunks);
    const bytes = [built.manifest!, ...built.segments.values()].reduce((sum, part) => sum + part.length, 0);
    const json = JSON.stringify({
      chunks: Array.from({ length: count }, (_, i) => ({
        hash: bytesToHex(chunks.hashes.subarray(i * 32, (i + 1) * 32)),
        offset: i * 65_536,
        length: chunks.lengths[i],
      })),
    });
    assert.ok(json.length > 3 * bytes, `${json.length} against ${bytes}`);
  }
});

test('the vectors: manifests and segments, byte for byte', () => {
  for (const { comment, profileId, lengths, hashes, root, manifest, segments } of vectors.valid) {
    const chunks = { hashes: parseDigestColumn(hexToBytes(hashes.join(''))), lengths: Uint32Array.from(lengths) };
    const built = buildManifest(profileId, chunks);
    assert.equal(built.root, root, comment);
    assert.equal(bytesToHex(built.manifest!), manifest.replaceAll(' ', ''), comment);
    const found = [...built.segments].map(([hash, bytes]) => ({ hash, hex: bytesToHex(bytes) }));
    assert.deepEqual(
      found,
      segments.map(({ hash, hex }) => ({ hash, hex: hex.replaceAll(' ', '') })),
      comment,
    );
    assert.deepEqual(assembled(built).lengths, chunks.lengths, comment);
  }
});

test('the vectors: manifests that are refused', () => {
  for (const { comment, hex, code } of vectors.invalid) {
    assert.throws(
      () => decodeManifest(hexToBytes(hex.replaceAll(' ', ''))),
      (error) => isTidemarkError(error) && error.code === code,
      comment,
    );
  }
});

test('another root, a missing segment, swapped or changed bytes are noticed', () => {
  const built = buildManifest(
    2,
    chunkList(600, 8, (i) => i % 100 === 99),
  );
  const manifest = decodeManifest(built.manifest!);
  const [first, second] = manifest.segments;
  assert.throws(() => assembled(built, first!.hash), corrupt);
  const without = (hash: Digest): Uint8Array | undefined =>
    hash === second!.hash ? undefined : built.segments.get(hash);
  assert.throws(
    () => assembleManifest(built.root, manifest, without),
    (error) => isTidemarkError(error, 'missing-chunks'),
  );
  const swapped = (hash: Digest): Uint8Array | undefined =>
    built.segments.get(hash === second!.hash ? first!.hash : hash);
  assert.throws(() => assembleManifest(built.root, manifest, swapped), corrupt);
  const exchanged = { ...manifest, segments: [second!, first!, ...manifest.segments.slice(2)] };
  assert.throws(() => assembleManifest(built.root, exchanged, (hash) => built.segments.get(hash)), corrupt);
  const lying = { ...manifest, segments: [{ ...first!, bytes: first!.bytes + 1 }, ...manifest.segments.slice(1)] };
  assert.throws(() => assembleManifest(built.root, lying, (hash) => built.segments.get(hash)), malformed);
});

test('one chunk list has one segmentation: other boundaries are refused, even under the right root', () => {
  const chunks = chunkList(300, 9, (i) => i === 99);
  const root = merkleRoot(chunks.hashes);
  const cutAt = (...ends: readonly number[]): BuiltManifest => {
    const segments = new Map<Digest, Uint8Array>();
    let start = 0;
    const listed = ends.map((end) => {
      const part = {
        hashes: parseDigestColumn(chunks.hashes.subarray(start * 32, end * 32)),
        lengths: chunks.lengths.subarray(start, end),
      };
      const { hash, bytes } = encodeSegment(part);
      segments.set(hash, bytes);
      const item = [hexToBytes(hash), end - start, part.lengths.reduce((sum, length) => sum + length, 0)];
      start = end;
      return item;
    });
    const size = chunks.lengths.reduce((sum, length) => sum + length, 0);
    return { root, size, manifest: encode([1, 2, size, listed]), segments };
  };
  assert.equal(assembled(cutAt(100, 300)).lengths.length, 300);
  for (const ends of [
    [50, 300],
    [100, 200, 300],
    [99, 300],
    [101, 300],
  ]) {
    assert.throws(() => assembled(cutAt(...ends)), malformed, ends.join());
  }
});

test('a builder refuses what is no chunk list', () => {
  const { hashes } = chunkList(3, 1);
  for (const lengths of [
    [1, 2],
    [1, 0, 2],
    [1, 2, limits.chunkBytesMax + 1],
  ]) {
    assert.throws(() => buildManifest(1, { hashes, lengths: Uint32Array.from(lengths) }), malformed);
  }
  for (const profileId of [0, 256, 1.5, NaN]) assert.throws(() => buildManifest(profileId, chunkList(3, 1)), malformed);
  const over = limits.manifestChunksMax + 1;
  const many = { hashes: parseDigestColumn(new Uint8Array(over * 32)), lengths: new Uint32Array(over).fill(1) };
  assert.throws(
    () => buildManifest(1, many),
    (error) => isTidemarkError(error, 'too-large'),
  );
});

test('any bytes are a manifest or a coded error', () => {
  const inline = buildManifest(1, chunkList(3, 1)).manifest!;
  const listed = buildManifest(
    1,
    chunkList(30, 2, (i) => i % 10 === 9),
  );
  fuzzDecoder([inline, listed.manifest!], decodeManifest, 4_000);
  const [segment] = listed.segments.values();
  fuzzDecoder([segment!], (bytes) => decodeSegment(blake3Digest(bytes), bytes), 2_000);
  assert.throws(() => decodeSegment(listed.root, segment!), corrupt);
  assert.throws(
    () => decodeSegment(listed.root, new Uint8Array(limits.segmentBytesMax + 1)),
    (error) => isTidemarkError(error, 'too-large'),
  );
  fc.assert(
    fc.property(mutated(listed.manifest!), (bytes) => {
      takes(() => {
        const manifest = decodeManifest(bytes);
        const chunks = assembleManifest(listed.root, manifest, (hash) => listed.segments.get(hash));
        assert.equal(columnLength(chunks.hashes), 30);
      });
    }),
    { numRuns: 1_000 },
  );
});

test('a full manifest of adversarial hashes, one segment for each chunk, stays under its limit', () => {
  const count = 20_000;
  const built = buildManifest(6, { ...chunkList(count, 4, () => true), lengths: new Uint32Array(count).fill(1 << 22) });
  assert.equal(built.segments.size, count);
  const perSegment = built.manifest!.length / count;
  assert.ok(perSegment * limits.manifestChunksMax < limits.manifestBytesMax, `${perSegment} bytes a segment`);
  assert.equal(decodeManifest(built.manifest!).segments.length, count);
});
