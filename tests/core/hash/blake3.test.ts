import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { createBLAKE3 } from 'hash-wasm';
import { installNativeBlake3, loadNativeBlake3 } from '../../../shared/adapters/node/native-blake3.ts';
import { bytesToHex, utf8 } from '../../../shared/core/bytes.ts';
import { createCutWindow } from '../../../shared/core/chunk/cut-wasm.ts';
import {
  type Blake3Backend,
  blake3,
  blake3BackendName,
  blake3Digest,
  createBlake3Hasher,
  mapNodeHash,
  merkleNodeHash,
  useBlake3,
  wasmBlake3,
} from '../../../shared/core/hash/blake3.ts';
import vectors from '../../vectors/blake3.json' with { type: 'json' };

const native = await loadNativeBlake3();
const skip = native === undefined ? 'the native module has no binary for this platform' : false;
const backends: readonly Blake3Backend[] = native === undefined ? [wasmBlake3] : [wasmBlake3, native];
const nodeKeys = [utf8('tidemark merkle node v1'), utf8('tidemark map node v1')].map((text) => wasmBlake3.hash(text));

after(() => useBlake3(wasmBlake3));

function officialInput(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

/** Lengths on both sides of every switch: blocks, BLAKE3's 1 KiB chunks, the native threshold. */
const anyBytes = fc
  .tuple(fc.oneof(fc.nat(5_000), fc.constantFrom(1_023, 1_024, 1_025, 16_384, 70_000)), fc.nat(255), fc.nat(255))
  .map(([length, factor, offset]) => Uint8Array.from({ length }, (_, i) => i * factor + (i >> 8) + offset));

for (const backend of backends) {
  test(`${backend.name}: the official vectors, at once and in pieces`, () => {
    for (const { length, hash } of vectors.cases) {
      const input = officialInput(length);
      assert.equal(bytesToHex(backend.hash(input)), hash, `length ${length}`);
      const hasher = backend.hasher();
      for (let at = 0; at < length; at += 1_000) hasher.update(input.subarray(at, at + 1_000));
      assert.equal(bytesToHex(hasher.digest()), hash, `length ${length}, in pieces`);
    }
  });

  test(`${backend.name}: views into a larger buffer hash as their bytes; a digest is 32 bytes of its own`, () => {
    const buffer = officialInput(200_000);
    for (const length of [0, 64, 2_048, 70_000]) {
      const view = buffer.subarray(251 * 8, 251 * 8 + length);
      const digest = backend.hash(view);
      const copy = digest.slice();
      assert.deepEqual(digest, wasmBlake3.hash(officialInput(length)));
      assert.equal(Object.getPrototypeOf(digest), Uint8Array.prototype, 'not a Buffer');
      assert.equal(digest.buffer.byteLength, 32, 'aliases nothing');
      backend.hash(buffer);
      assert.deepEqual(digest, copy, 'not overwritten by the next hash');
    }
  });

  test(`${backend.name}: a chunk in the window of the chunker, in WebAssembly memory, hashes as a copy of it does`, () => {
    const { bytes } = createCutWindow(1024 * 1024);
    bytes.set(officialInput(bytes.length));
    for (const [from, to] of [[1, 500] as const, [4_096, 20_000] as const, [65_537, 900_000] as const]) {
      assert.deepEqual(backend.hash(bytes.subarray(from, to)), wasmBlake3.hash(bytes.slice(from, to)));
    }
  });

  test(`${backend.name}: hashers in use at once do not disturb each other`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), anyBytes), { maxLength: 12 }), (steps) => {
        const hashers = Array.from({ length: 4 }, () => backend.hasher());
        const inputs: Uint8Array[][] = hashers.map(() => []);
        for (const [i, bytes] of steps) {
          hashers[i]!.update(bytes);
          backend.hash(bytes);
          inputs[i]!.push(bytes);
        }
        for (const [i, hasher] of hashers.entries()) {
          assert.deepEqual(hasher.digest(), wasmBlake3.hash(Buffer.concat(inputs[i]!)));
        }
      }),
      { numRuns: 30 },
    );
  });
}

test('keyed: hash-wasm gives the official vectors', async () => {
  const keyed = await createBLAKE3(256, utf8(vectors.key));
  for (const { length, keyedHash } of vectors.cases) {
    assert.equal(keyed.init().update(officialInput(length)).digest(), keyedHash, `length ${length}`);
  }
});

test('keyed: both keys differ from each other and from plain; another key is refused by hash-wasm', () => {
  const input = officialInput(64);
  const hashes = [wasmBlake3.hash(input), ...nodeKeys.map((key) => wasmBlake3.keyed(key)(input))].map(bytesToHex);
  assert.equal(new Set(hashes).size, 3);
  assert.throws(() => wasmBlake3.keyed(utf8(vectors.key)), RangeError);
});

test('keyed: native equals hash-wasm under both node keys, call after call', { skip }, () => {
  fc.assert(
    fc.property(anyBytes, fc.constantFrom(...nodeKeys), (bytes, key) => {
      const hash = native!.keyed(key);
      const expected = wasmBlake3.keyed(key)(bytes);
      assert.deepEqual(hash(bytes), expected);
      assert.deepEqual(hash(bytes), expected, 'the second call starts afresh');
    }),
    { numRuns: 200 },
  );
});

test('the functions of core give the same digests whichever backend is installed', async () => {
  const inputs = [0, 64, 5_000, 70_000].map(officialInput);
  const all = (): string[][] =>
    inputs.map((input) => {
      const hasher = createBlake3Hasher();
      hasher.update(input);
      const hashes = [blake3(input), hasher.digest(), merkleNodeHash(input), mapNodeHash(input)];
      return [...hashes.map(bytesToHex), blake3Digest(input)];
    });
  useBlake3(wasmBlake3);
  assert.equal(blake3BackendName(), wasmBlake3.name);
  const expected = all();
  const name = await installNativeBlake3();
  assert.equal(name, blake3BackendName());
  assert.equal(name, native?.name ?? wasmBlake3.name);
  assert.deepEqual(all(), expected);
});
