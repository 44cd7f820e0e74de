import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  base64urlToBytes,
  bytesToBase64url,
  bytesToHex,
  compareBytes,
  concatBytes,
  equalBytes,
  hexToBytes,
  utf8,
  utf8ToText,
} from '../../../shared/core/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 100 });

test('hex and base64url give the bytes back, and agree with Node', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      assert.deepEqual(hexToBytes(bytesToHex(value)), value);
      assert.deepEqual(base64urlToBytes(bytesToBase64url(value)), value);
      assert.equal(bytesToHex(value), Buffer.from(value).toString('hex'));
      assert.equal(bytesToBase64url(value), Buffer.from(value).toString('base64url'));
    }),
  );
});

test('hex and base64url have one text for each byte string', () => {
  for (const text of ['0', 'zz', 'AB', '0x', ' 0']) assert.throws(() => hexToBytes(text), RangeError, text);
  for (const text of ['A', 'AB=', 'A+', 'A/', 'AB', 'AAB', 'é0', '😀0']) {
    assert.throws(() => base64urlToBytes(text), RangeError, text);
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      try {
        assert.equal(bytesToBase64url(base64urlToBytes(text)), text);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});

test('the order of bytes is total, by unsigned bytes, a prefix first', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Math.sign(Buffer.compare(a, b)));
      assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
      assert.deepEqual(concatBytes(a, b), new Uint8Array(Buffer.concat([a, b])));
      if (b.length > 0) assert.ok(compareBytes(a, concatBytes(a, b)) < 0);
    }),
  );
});

test('UTF-8 is read strictly', () => {
  assert.equal(utf8ToText(utf8('\uFEFFé😀')), '\uFEFFé😀');
  for (const invalid of ['ff', 'c0af', 'eda080', 'f4908080', 'e282']) {
    assert.throws(() => utf8ToText(hexToBytes(invalid)), TypeError, invalid);
  }
});
