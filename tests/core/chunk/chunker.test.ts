import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { concatBytes, equalBytes } from '../../../shared/core/bytes.ts';
import { type Chunker, createChunker } from '../../../shared/core/chunk/chunker.ts';
import { createPlainCutWindow } from '../../../shared/core/chunk/cut-wasm.ts';
import { cutLength, cutParams } from '../../../shared/core/chunk/cut.ts';
import { type ChunkProfile, profiles } from '../../../shared/core/chunk/profiles.ts';
import { randomBytesOf } from './random-bytes.ts';

/** Small sizes, so that a few hundred KiB give many chunks and several turns of the window. */
const tiny: ChunkProfile = { ...profiles.document, content: cutParams(64, 256, 1024, 1), maxBytes: 1024 };
const tinyFixed: ChunkProfile = { ...profiles.paged, maxBytes: 1000 };
const chunkers = {
  WebAssembly: createChunker(),
  TypeScript: createChunker(createPlainCutWindow(32 * 1024 * 1024)),
  'the least window': createChunker(createPlainCutWindow(2 * 1024)),
};

function* feed(chunker: Chunker, pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield* chunker.push(piece);
  yield* chunker.finish();
}

function chunksOf(chunker: Chunker, profile: ChunkProfile, pieces: Iterable<Uint8Array>): Uint8Array[] {
  chunker.start(profile);
  return Array.from(feed(chunker, pieces), (chunk) => chunk.slice());
}

function expectedLengths({ content, maxBytes }: ChunkProfile, bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; at += lengths.at(-1)!) {
    const rest = Math.min(maxBytes, bytes.length - at);
    lengths.push(content === undefined ? rest : cutLength(content, bytes, at, bytes.length));
  }
  return lengths;
}

function splitAt(bytes: Uint8Array, points: readonly number[]): Uint8Array[] {
  const sorted = [0, ...points.map((point) => point % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

const input = fc.record({
  seed: fc.nat(),
  length: fc.oneof(fc.nat(3_000), fc.nat(60_000)),
  points: fc.array(fc.nat(), { maxLength: 40 }),
});

for (const [name, chunker] of Object.entries(chunkers)) {
  for (const [kind, profile] of Object.entries({ content: tiny, fixed: tinyFixed })) {
    test(`${name}, ${kind}: pieces of any length give the chunks of the whole`, () => {
      fc.assert(
        fc.property(input, ({ seed, length, points }) => {
          const bytes = randomBytesOf(String(seed), length);
          const chunks = chunksOf(chunker, profile, splitAt(bytes, points));
          assert.ok(equalBytes(concatBytes(...chunks), bytes));
          assert.deepEqual(
            chunks.map((chunk) => chunk.length),
            expectedLengths(profile, bytes),
          );
        }),
        { numRuns: 60 },
      );
    });
  }
}

for (const profile of Object.values(profiles)) {
  test(`profile ${profile.name}: an input of many windows, byte for byte, by push and by commit`, () => {
    const block = randomBytesOf(profile.name, 1_000_003);
    const pieces = Array.from({ length: 27 }, (_, i) => block.subarray((i * 7919) % 1000));
    const bytes = concatBytes(...pieces);
    const lengths = expectedLengths(profile, bytes);
    const pushed = chunksOf(chunkers.WebAssembly, profile, pieces);
    assert.deepEqual(
      pushed.map((chunk) => chunk.length),
      lengths,
    );
    assert.ok(equalBytes(concatBytes(...pushed), bytes));
    assert.deepEqual(lengths, readInto(chunkers.WebAssembly, profile, bytes));
  });
}

/** As the agent does: reads straight into the window, here in lengths that vary. */
function readInto(chunker: Chunker, profile: ChunkProfile, bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  chunker.start(profile);
  for (let at = 0, turn = 1; at < bytes.length; turn++) {
    const space = chunker.space();
    const read = bytes.subarray(at, at + Math.min(space.length, turn * 100_001));
    space.set(read);
    at += read.length;
    for (const chunk of chunker.commit(read.length)) lengths.push(chunk.length);
  }
  for (const chunk of chunker.finish()) lengths.push(chunk.length);
  return lengths;
}

test('without any hit every chunk is max bytes, however finely the input comes', () => {
  for (const piece of [1, 3, 1023, 1025]) {
    const pieces = Array.from({ length: Math.ceil(10_240 / piece) }, () => new Uint8Array(piece));
    const lengths = chunksOf(chunkers.WebAssembly, tiny, pieces).map((chunk) => chunk.length);
    assert.ok(
      lengths.slice(0, -1).every((length) => length === 1024),
      `pieces of ${piece}`,
    );
  }
});

test('all chunks of one commit stay valid together, until the next call', () => {
  const chunker = chunkers.WebAssembly;
  const bytes = randomBytesOf('views', 50_000);
  chunker.start(tiny);
  chunker.space().set(bytes);
  const views = [...chunker.commit(bytes.length), ...chunker.finish()];
  assert.deepEqual(concatBytes(...views), bytes);
});

test('space is never less than half of the window, however little is committed', () => {
  const chunker = createChunker(createPlainCutWindow(4 * 1024));
  chunker.start(tiny);
  for (let i = 0; i < 2_000; i++) {
    assert.ok(chunker.space().length >= 2 * 1024);
    for (const chunk of chunker.commit(7)) assert.ok(chunk.length <= 1024);
  }
});

test('an empty input has no chunks; a chunker is good for many inputs', () => {
  const bytes = randomBytesOf('again', 5_000);
  const first = chunksOf(chunkers.WebAssembly, tiny, [bytes]);
  assert.deepEqual(chunksOf(chunkers.WebAssembly, tiny, []), []);
  assert.deepEqual(chunksOf(chunkers.WebAssembly, tiny, [bytes]), first);
});

test('start forgets an input that was left halfway', () => {
  const bytes = randomBytesOf('new', 5_000);
  chunkers.WebAssembly.start(tiny);
  for (const chunk of chunkers.WebAssembly.push(randomBytesOf('old', 5_000))) assert.ok(chunk.length > 0);
  assert.deepEqual(concatBytes(...chunksOf(chunkers.WebAssembly, tiny, [bytes])), bytes);
});

test('misuse is refused instead of losing bytes', () => {
  const chunker = createChunker(createPlainCutWindow(8 * 1024));
  assert.throws(() => chunker.space(), RangeError, 'before start');
  assert.throws(() => chunker.start(profiles.document), RangeError, 'a window too small for the profile');
  chunker.start(tiny);
  assert.throws(() => chunker.commit(8 * 1024 + 1), RangeError, 'more than the space');
  assert.throws(() => chunker.commit(-1), RangeError);
  chunker.space().fill(0);
  assert.equal(chunker.commit(4 * 1024).next().value?.length, 1024);
  assert.throws(() => chunker.space(), RangeError, 'chunks not drained');
  assert.throws(() => chunker.commit(1), RangeError, 'chunks not drained');
  assert.throws(() => chunker.finish(), RangeError, 'chunks not drained');
  chunker.start(tiny);
  assert.deepEqual([...chunker.finish()], []);
  assert.throws(() => chunker.space(), RangeError, 'after finish');
});
