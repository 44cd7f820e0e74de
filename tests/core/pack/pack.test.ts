import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { bytesToHex, concatBytes, hexToBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3, blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { columnBytesAt, columnLength, columnToDigests } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import { type Codecs, codecNumbers } from '../../../shared/core/pack/codecs.ts';
import { packTailBytes } from '../../../shared/core/pack/pack-format.ts';
import { chunkOfFrame, decodeFrame, verifyPack, verifyPackStream } from '../../../shared/core/pack/pack-reader.ts';
import { decodeFooter, readTail } from '../../../shared/core/pack/pack-footer.ts';
import { PackWriter, buildPack } from '../../../shared/core/pack/pack-writer.ts';
import vectors from '../../vectors/pack.json' with { type: 'json' };
import { fuzzDecoder, takes, mutated } from '../base/mutations.ts';
import { chunksOf, inPieces, noise, prose } from './pack-samples.ts';

const corrupt = (error: unknown): boolean => isTidemarkError(error, 'corrupt');
const tooLarge = (error: unknown): boolean => isTidemarkError(error, 'too-large');

function packOf(plain: readonly Uint8Array[], codecs: Codecs | null = nodeCodecs): Uint8Array {
  const chunks = chunksOf(plain);
  return buildPack(codecs, chunks.hashes, (i) => chunks.plain[i]!).bytes;
}

const someChunks = fc.array(
  fc.tuple(fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 300_000 })), fc.nat(9), fc.boolean()),
  { minLength: 1, maxLength: 12 },
);

test('every chunk is found again by its place, whatever the frames and codecs', () => {
  fc.assert(
    fc.property(someChunks, fc.boolean(), (shapes, raw) => {
      const { hashes, plain } = chunksOf(shapes.map(([size, seed, text]) => (text ? prose : noise)(size, seed)));
      const { packId, bytes } = buildPack(raw ? null : nodeCodecs, hashes, (i) => plain[i]!);
      const verified = verifyPack(bytes, nodeCodecs, packId);
      assert.equal(packId, merkleRoot(hashes));
      assert.deepEqual(columnToDigests(verified.hashes), columnToDigests(hashes));
      assert.equal(verified.storedBytes, bytes.length);
      for (const [i, place] of verified.places.entries()) {
        const stored = bytes.slice(place.frameOffset, place.frameOffset + place.frameStored);
        const frame = decodeFrame(nodeCodecs, place.codec, stored, place.frameRaw);
        assert.deepEqual(chunkOfFrame(frame, place.offset, place.length, columnBytesAt(hashes, i)), plain[i]);
      }
    }),
    { numRuns: 40 },
  );
});

test('the pieces of the writer joined are the pack, with its length and id, and chunks may be reused at once', () => {
  const { hashes, plain } = chunksOf([noise(100, 1), prose(200_000, 2), prose(100_000, 3), noise(300_000, 4)]);
  const writer = new PackWriter(nodeCodecs);
  const pieces: Uint8Array[] = [];
  for (const [i, chunk] of plain.entries()) {
    const scratch = chunk.slice();
    pieces.push(...writer.add(columnBytesAt(hashes, i), scratch));
    scratch.fill(0);
  }
  const { pieces: rest, packId, storedBytes } = writer.finish();
  const bytes = concatBytes(...pieces, ...rest);
  assert.equal(bytes.length, storedBytes);
  assert.equal(verifyPack(bytes, nodeCodecs, packId).plainBytes, writer.plainBytes);
  assert.deepEqual(bytes, buildPack(nodeCodecs, hashes, (i) => plain[i]!).bytes);
  assert.equal(writer.codecFaults, 0);
});

test('frames: consecutive chunks up to 256 KiB, larger ones alone; compressed where a sixteenth is saved', () => {
  const plain = [prose(200_000, 1), prose(62_144, 2), prose(1, 3), noise(262_145, 4), prose(400_000, 5), noise(50, 6)];
  const bytes = packOf(plain);
  const { frames } = decodeFooter(readTail(bytes, bytes.length).footer!, bytes.length);
  assert.deepEqual(
    frames.map(({ chunks, rawLength, codec }) => [chunks, rawLength, codec]),
    [
      [2, limits.frameBytesMax, codecNumbers.zstd],
      [1, 1, codecNumbers.raw],
      [1, 262_145, codecNumbers.raw],
      [1, 400_000, codecNumbers.zstd],
      [1, 50, codecNumbers.raw],
    ],
  );
  for (const { storedLength, rawLength, codec } of frames) {
    if (codec !== codecNumbers.raw) assert.ok(storedLength <= (rawLength * 15) / 16);
  }
  const lz4 = new PackWriter(nodeCodecs, 'lz4');
  const chunks = chunksOf([prose(9_000, 7)]);
  const pieces = [...lz4.add(columnBytesAt(chunks.hashes, 0), chunks.plain[0]!), ...lz4.finish().pieces];
  assert.equal(verifyPack(concatBytes(...pieces), nodeCodecs).places[0]!.codec, codecNumbers.lz4);
});

test('a compressor that corrupts, fails, or cannot decode costs only its saving (L19)', () => {
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
  const { zstd, lz4 } = nodeCodecs;
  const fail = (): never => {
    throw new RangeError('out of memory');
  };
  const broken: readonly Codecs[] = [
    { lz4, zstd: { ...zstd, compress: (plain) => zstd.compress(flip(plain)) } },
    { lz4, zstd: { ...zstd, compress: (plain) => flip(zstd.compress(plain)) } },
    { lz4, zstd: { ...zstd, compress: fail } },
    { lz4, zstd: { ...zstd, decompress: fail } },
  ];
  const { hashes, plain } = chunksOf([prose(5_000, 1), prose(5_000, 2)]);
  for (const codecs of broken) {
    const writer = new PackWriter(codecs);
    const pieces = [0, 1].flatMap((i) => [...writer.add(columnBytesAt(hashes, i), plain[i]!)]);
    const { packId, pieces: rest } = writer.finish();
    const verified = verifyPack(concatBytes(...pieces, ...rest), nodeCodecs, packId);
    assert.equal(verified.places[1]!.codec, codecNumbers.raw);
    assert.equal(writer.codecFaults, 1);
  }
});

test('a chunk that is not what its hash says never becomes part of a pack (L8)', () => {
  for (const codecs of [nodeCodecs, null]) {
    const writer = new PackWriter(codecs);
    assert.throws(() => {
      writer.add(blake3(utf8('before the edit')), utf8('after the edit'));
      writer.finish();
    }, corrupt);
  }
});

test('the writer keeps the limits of a pack, and refuses what is no chunk', () => {
  const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');
  assert.throws(() => new PackWriter(null).finish(), malformed);
  assert.throws(() => new PackWriter(null).add(new Uint8Array(31), utf8('a')), malformed);
  assert.throws(() => new PackWriter(null).add(new Uint8Array(32), new Uint8Array(0)), tooLarge);
  const over = new Uint8Array(limits.chunkBytesMax + 1);
  assert.throws(() => new PackWriter(null).add(blake3(over), over), tooLarge);
  const many = new PackWriter(null);
  const one = utf8('x');
  const hash = blake3(one);
  for (let i = 0; i < limits.packChunksMax; i++) many.add(hash, one);
  assert.throws(() => many.add(hash, one), tooLarge);
  const full = new PackWriter(null);
  const large = noise(limits.chunkBytesMax, 1);
  const pieces = [0, 1, 2, 3].flatMap(() => [...full.add(blake3(large), large)]);
  assert.throws(() => full.add(hash, one), tooLarge);
  const bytes = concatBytes(...pieces, ...full.finish().pieces);
  assert.equal(verifyPack(bytes, nodeCodecs).plainBytes, limits.packBytesMax);
});

test('plain bytes are limited too, so that a small pack is no bomb', () => {
  const writer = new PackWriter(nodeCodecs);
  const zeros = new Uint8Array(limits.chunkBytesMax);
  const hash = blake3(zeros);
  for (let i = 0; i < limits.packPlainBytesMax / zeros.length; i++) writer.add(hash, zeros);
  assert.throws(() => writer.add(blake3(utf8('x')), utf8('x')), tooLarge);
});

test('the vectors: valid packs, byte for byte where stored raw', () => {
  for (const { comment, hex, chunks, packId } of vectors.valid) {
    const bytes = hexToBytes(hex.replaceAll(' ', ''));
    const verified = verifyPack(bytes, nodeCodecs);
    assert.equal(verified.packId, packId, comment);
    const plain = chunks.map(utf8);
    assert.deepEqual(
      columnToDigests(verified.hashes),
      plain.map((chunk) => blake3Digest(chunk)),
      comment,
    );
    if (verified.places.every((place) => place.codec === codecNumbers.raw)) {
      assert.equal(bytesToHex(packOf(plain, null)), bytesToHex(bytes), comment);
    }
  }
});

test('the vectors: packs that are refused', () => {
  for (const { comment, hex } of vectors.invalid) {
    assert.throws(() => verifyPack(hexToBytes(hex.replaceAll(' ', '')), nodeCodecs), corrupt, comment);
  }
});

test('a stream is verified however it is cut, and no stored byte of it may change', async () => {
  const bytes = packOf([prose(3_000, 1), noise(2_000, 2), prose(10, 3)], null);
  const { packId, plainBytes } = verifyPack(bytes, nodeCodecs);
  for (const size of [1, 7, 4_096, bytes.length]) {
    const verified = await verifyPackStream(inPieces(bytes, size), bytes.length, nodeCodecs, packId);
    assert.equal(verified.packId, packId);
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(plainBytes + 7), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const changed = bytes.slice();
      changed[at]! ^= mask;
      await assert.rejects(verifyPackStream(inPieces(changed, 1_000), bytes.length, nodeCodecs, packId), corrupt);
    }),
    { numRuns: 500 },
  );
});

test('a stream that is short, long, over the limit or another pack is corrupt; one that fails passes its error on', async () => {
  const bytes = packOf([noise(2_000, 1)]);
  const { packId } = verifyPack(bytes, nodeCodecs);
  const other = verifyPack(packOf([noise(2_000, 2)]), nodeCodecs).packId;
  const verify = (pieces: AsyncIterable<Uint8Array>, length: number, id = packId): Promise<unknown> =>
    verifyPackStream(pieces, length, nodeCodecs, id);
  await assert.rejects(verify(inPieces(bytes.slice(1), 100), bytes.length), corrupt);
  await assert.rejects(verify(inPieces(concatBytes(bytes, bytes), 100), bytes.length), corrupt);
  await assert.rejects(verify(inPieces(bytes, 100), bytes.length, other), corrupt);
  let read = 0;
  async function* endless(): AsyncIterable<Uint8Array> {
    for (;;) {
      read++;
      yield new Uint8Array(1_000);
    }
  }
  await assert.rejects(verify(endless(), 2 ** 40), corrupt);
  assert.equal(read, 0);
  await assert.rejects(verify(endless(), 10_000), corrupt);
  assert.equal(read, 11);
  async function* failing(): AsyncIterable<Uint8Array> {
    yield bytes.subarray(0, 100);
    throw new Error('connection reset');
  }
  await assert.rejects(verify(failing(), bytes.length), /connection reset/);
});

test('the tail says how much to read', () => {
  const bytes = packOf(Array.from({ length: 100 }, (_, i) => noise(10, i)));
  const short = readTail(bytes.subarray(-packTailBytes), bytes.length);
  assert.equal(short.footer, undefined);
  const long = readTail(bytes.subarray(-(short.footerLength + packTailBytes)), bytes.length);
  assert.equal(columnLength(decodeFooter(long.footer!, bytes.length).hashes), 100);
  assert.throws(() => decodeFooter(long.footer!, bytes.length + 1), corrupt);
  fuzzDecoder([bytes.subarray(-64)], (tail) => readTail(tail, bytes.length), 500);
});

test('any bytes are a pack or corrupt, as a whole and as a footer', () => {
  const packs = [packOf([prose(500, 1), noise(20, 2)]), packOf([utf8('hello')], null)];
  fuzzDecoder(packs, (bytes) => verifyPack(bytes, nodeCodecs), 3_000);
  const bytes = packs[0]!;
  fuzzDecoder([readTail(bytes, bytes.length).footer!], (footer) => decodeFooter(footer, bytes.length), 3_000);
});

test('a frame is never decoded beyond what a chunk may have', () => {
  const stored = nodeCodecs.zstd.compress(prose(1_000, 1));
  for (const length of [0, -1, 0.5, NaN, limits.chunkBytesMax + 1]) {
    assert.throws(() => decodeFrame(nodeCodecs, codecNumbers.zstd, stored, length), corrupt);
  }
  assert.throws(
    () => decodeFrame(nodeCodecs, 3, stored, 1_000),
    (error) => isTidemarkError(error, 'unsupported'),
  );
  assert.throws(() => decodeFrame(nodeCodecs, codecNumbers.raw, stored, 1_000), corrupt);
  fc.assert(
    fc.property(mutated(stored), fc.constantFrom(1, 2), (bytes, codec) => {
      takes(() => decodeFrame(nodeCodecs, codec, bytes, 1_000));
    }),
  );
  const hash = blake3(utf8('lo'));
  assert.deepEqual(chunkOfFrame(utf8('hello'), 3, 2, hash), utf8('lo'));
  for (const [offset, length] of [
    [2, 2],
    [3, 3],
    [4, 2],
    [-2, 2],
  ] as const) {
    assert.throws(() => chunkOfFrame(utf8('hello'), offset, length, hash), corrupt);
  }
});
