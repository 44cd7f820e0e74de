/** What decoders are fed that should make them fail: noise, and valid bytes that were changed. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { concatBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';

/** Headers that claim far more than there is: arrays, bins, texts, exts and maps of 2^32 - 1 or 2^16 - 1. */
export const greedyHeaders: readonly Uint8Array[] = [
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdc, 0xff, 0xff],
  [0xc6, 0xff, 0xff, 0xff, 0xff],
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xc9, 0xff, 0xff, 0xff, 0xff, 98],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
].map((header) => Uint8Array.from(header));

/** A valid value with bytes flipped, cut off, doubled, or overwritten by a greedy header. */
export function mutated(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(Math.max(0, valid.length - 1));
  const flipped = fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([i, mask]) => {
    const bytes = valid.slice();
    bytes[i]! ^= mask;
    return bytes;
  });
  const cut = at.map((i) => valid.slice(0, i));
  const longer = fc.uint8Array({ minLength: 1, maxLength: 8 }).map((more) => concatBytes(valid, more));
  const greedy = fc
    .tuple(at, fc.constantFrom(...greedyHeaders))
    .map(([i, header]) => concatBytes(valid.subarray(0, i), header, valid.subarray(i + header.length)));
  return fc.oneof(flipped, cut, longer, greedy);
}

/** Runs a decoder; true when it took the input, false when it refused with an error of ours. Anything else fails the test. */
export function takes(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    assert.ok(isTidemarkError(error), `not an error of ours: ${String(error)}`);
    return false;
  }
}

/** Feeds a decoder noise and mutations of valid inputs; only errors of ours may come out. */
export function fuzzDecoder(valid: readonly Uint8Array[], decode: (bytes: Uint8Array) => unknown, runs = 1_000): void {
  for (const bytes of valid)
    assert.ok(
      takes(() => decode(bytes)),
      'a valid input is taken',
    );
  const inputs = fc.oneof(fc.uint8Array({ maxLength: 200 }), ...valid.map(mutated));
  fc.assert(
    fc.property(inputs, (bytes) => {
      takes(() => decode(bytes));
    }),
    { numRuns: runs },
  );
}
