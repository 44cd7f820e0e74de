import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { concatBytes, hexToBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type MsgpackCaps, checkMsgpack, decodeMsgpack } from '../../../shared/core/msgpack.ts';
import { fuzzDecoder, greedyHeaders } from './mutations.ts';

const caps: MsgpackCaps = { what: 'the input', depthMax: 8, valuesMax: 1_000 };
const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.maxSafeInteger(),
    fc.constantFrom(null, true, false, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, -32, -33, -129),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(new Uint8Array(300), new Uint8Array(70_000), 'x'.repeat(300), 'é'.repeat(40_000)),
    fc.array(tie('value'), { maxLength: 20 }),
  ),
}));

test('whatever the library writes of our kinds comes back', () => {
  fc.assert(
    fc.property(value, (plain) => {
      assert.deepEqual(decodeMsgpack(encode(plain), caps), plain);
    }),
  );
});

test('noise is what the library says it is, or refused', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    value.map((plain) => encode(plain).slice(0, 40)),
  );
  fc.assert(
    fc.property(noise, (bytes) => {
      try {
        checkMsgpack(bytes, caps);
      } catch (error) {
        assert.ok(isTidemarkError(error));
        return;
      }
      assert.deepEqual(decodeMsgpack(bytes, caps), decode(bytes));
    }),
    { numRuns: 3_000 },
  );
});

test('maps, floats, extensions and the unused marker are refused', () => {
  const refused = '80 8101c0 de0000 df00000000 ca00000000 cb0000000000000000 c1 d40100 c70100 d6ff00000000';
  for (const hex of refused.split(' ')) {
    assert.throws(() => decodeMsgpack(hexToBytes(hex), caps), malformed, hex);
  }
});

test('text that is not UTF-8 is refused, as the strict decoder of the platform refuses it', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const edges = hexToBytes('417f808f909fa0bfc0c1c2dfe0e1edeff0f1f4f5ff');
  const unit = fc.constantFrom(...edges);
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
      let expected: string | undefined;
      try {
        expected = strict.decode(Uint8Array.from(units));
      } catch {
        expected = undefined;
      }
      const bytes = Uint8Array.of(0xa0 | units.length, ...units);
      if (expected === undefined) assert.throws(() => decodeMsgpack(bytes, caps), malformed);
      else assert.equal(decodeMsgpack(bytes, caps), expected);
    }),
    { numRuns: 3_000 },
  );
});

test('caps: depth, number of values, the end', () => {
  const nested = (depth: number): Uint8Array => concatBytes(new Uint8Array(depth).fill(0x91), Uint8Array.of(0xc0));
  assert.ok(Array.isArray(decodeMsgpack(nested(8), caps)));
  assert.throws(() => decodeMsgpack(nested(9), caps), malformed);
  assert.throws(() => decodeMsgpack(nested(100_000), caps), malformed);
  const flat = (count: number): Uint8Array => encode(Array.from({ length: count }, () => 0));
  assert.ok(decodeMsgpack(flat(999), caps));
  assert.throws(
    () => decodeMsgpack(flat(1_000), caps),
    (error) => isTidemarkError(error, 'too-large'),
  );
  for (const hex of ['', '91', '92c0', 'c0c0', '90c0', 'c402', 'c40200', 'cd00']) {
    assert.throws(() => decodeMsgpack(hexToBytes(hex), caps), malformed, hex);
  }
});

test('claims of gigabytes are refused, nested or alone', () => {
  for (const header of greedyHeaders) {
    assert.throws(() => decodeMsgpack(header, caps), malformed);
    const nested = concatBytes(...Array.from({ length: 20_000 }, () => header));
    assert.throws(() => decodeMsgpack(nested, caps), isTidemarkError);
  }
});

test('any bytes are a value or a coded error', () => {
  fuzzDecoder([encode([1, 'é', new Uint8Array(40), [[], null], -5])], (bytes) => decodeMsgpack(bytes, caps), 2_000);
});
