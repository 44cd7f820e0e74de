import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type CutParams, cutLength, cutParams } from '../../../shared/core/chunk/cut.ts';
import { type CutWindow, createCutWindow, createPlainCutWindow } from '../../../shared/core/chunk/cut-wasm.ts';
import { gearTable } from '../../../shared/core/chunk/gear.ts';
import vectors from '../../vectors/fastcdc.json' with { type: 'json' };
import { randomBytesOf, vectorBytesOf } from './random-bytes.ts';

const windows = [createCutWindow(4 * 1024 * 1024), createPlainCutWindow(4 * 1024 * 1024)];

/** The lengths of all chunks of `bytes`, cut in the window from `offset` on. */
function cutAll(window: CutWindow, params: CutParams, bytes: Uint8Array, offset = 0): number[] {
  window.bytes.set(bytes, offset);
  const lengths: number[] = [];
  for (let at = offset; at < offset + bytes.length; at += lengths.at(-1)!) {
    lengths.push(window.cutLength(params, at, offset + bytes.length));
  }
  return lengths;
}

/** Data with long runs and with noise, from few random numbers: what cuts badly and what cuts well. */
const mixedBytes = fc
  .array(fc.record({ seed: fc.nat(), length: fc.nat(6_000), run: fc.boolean(), byte: fc.nat(255) }), { maxLength: 12 })
  .map((parts) =>
    Uint8Array.from(
      parts.flatMap(({ seed, length, run, byte }) =>
        Array.from(run ? new Uint8Array(length).fill(byte) : randomBytesOf(String(seed), length)),
      ),
    ),
  );

const few = fc.oneof(fc.nat(4), fc.nat(3_000));

/** Any order of sizes that is allowed, equal ones and odd ones among them. */
const smallParams = fc
  .record({ min: fc.integer({ min: 64, max: 700 }), more: few, most: few, level: fc.nat(3) })
  .map(({ min, more, most, level }) => {
    const avg = Math.max(256, min) + more;
    return cutParams(min, avg, avg + most, level);
  });

test('the gear table is the one of the fastcdc crate', () => {
  assert.equal(gearTable[0], 0x3b5d3c7d207e37dcn);
  assert.equal(gearTable.length, 256);
});

for (const [i, name] of ['WebAssembly', 'TypeScript'].entries()) {
  for (const { name: vector, seed, length, min, avg, max, level, lengths } of vectors.cases) {
    test(`${name} cuts where the fastcdc crate cuts: ${vector}`, () => {
      const bytes = vector.startsWith('zeros') ? new Uint8Array(length) : vectorBytesOf(seed, length);
      assert.deepEqual(cutAll(windows[i]!, cutParams(min, avg, max, level), bytes), lengths);
    });
  }
}

test('WebAssembly and TypeScript cut alike, whatever the content, the sizes and the place in memory', () => {
  fc.assert(
    fc.property(mixedBytes, smallParams, fc.nat(9), (bytes, params, offset) => {
      assert.deepEqual(cutAll(windows[0]!, params, bytes, offset), cutAll(windows[1]!, params, bytes, offset));
    }),
    { numRuns: 150 },
  );
});

test('chunks tile the input; each but the last is within min (rounded down to even) and max', () => {
  fc.assert(
    fc.property(mixedBytes, smallParams, (bytes, params) => {
      const lengths = cutAll(windows[0]!, params, bytes);
      assert.equal(
        lengths.reduce((sum, length) => sum + length, 0),
        bytes.length,
      );
      for (const length of lengths.slice(0, -1)) {
        assert.ok(length >= (params.minBytes & ~1) && length <= params.maxBytes);
      }
      assert.ok((lengths.at(-1) ?? 0) <= params.maxBytes);
    }),
    { numRuns: 100 },
  );
});

test('a cut does not depend on what lies beyond max', () => {
  const params = cutParams(4096, 16384, 65536, 1);
  const bytes = randomBytesOf('beyond', 300_000);
  for (let at = 0; at + params.maxBytes <= bytes.length; at += 10_007) {
    assert.equal(cutLength(params, bytes, at, at + params.maxBytes), cutLength(params, bytes, at, bytes.length));
  }
});

test('sizes that make no sense are refused', () => {
  const bad = [
    [63, 256, 1024, 1],
    [512, 256, 1024, 1],
    [64, 2048, 1024, 1],
    [64.5, 256, 1024, 1],
    [64, 64, 64, 2],
    [64, 256, 1024, 19],
  ] as const;
  for (const [min, avg, max, level] of bad) {
    assert.throws(() => cutParams(min, avg, max, level), RangeError, `${min} ${avg} ${max} ${level}`);
  }
});
