/** Which merge a file gets, and the laws that hold for all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { mergeBytesMax, mergeContents } from '../../../client/agent/merge/merge-contents.ts';
import { utf8, utf8ToText } from '../../../shared/core/bytes.ts';

const bytes = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.string({ maxLength: 8 }).map(utf8), fc.json().map(utf8));
const name = fc.constantFrom('a.txt', 'a.json', 'a.bin', 'a');

describe('merging contents', () => {
  it('of an edit and no edit, or of equal edits, is the edit, whatever they are', () => {
    fc.assert(
      fc.property(name, bytes, bytes, (file, base, x) => {
        for (const merged of [
          mergeContents(file, base, base, x),
          mergeContents(file, base, x, base),
          mergeContents(file, base, x, x),
        ]) {
          assert.deepEqual(merged, { state: 'merged', bytes: x });
        }
      }),
    );
  });

  it('merges JSON by keys in a line, and any other file by lines', () => {
    const [base, one, other] = ['{"a":1,"b":2}', '{"a":9,"b":2}', '{"a":1,"b":8}'].map(utf8) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const merged = mergeContents('a.JSON', base, one, other);
    assert.equal(merged.state === 'merged' && utf8ToText(merged.bytes), '{"a":9,"b":8}');
    assert.deepEqual(mergeContents('a.txt', base, one, other), { state: 'apart', why: 'conflict' });
  });

  it('never merges by lines what contradicts itself as JSON; JSON with comments it does', () => {
    const list = (...items: readonly string[]) => utf8(`{"list": [\n${items.join(',\n')}\n]}\n`);
    const apart = mergeContents('a.json', list('1', '2', '3', '4'), list('0', '1', '2', '3', '4'), list('1', '2', '3'));
    assert.deepEqual(apart, { state: 'apart', why: 'conflict' });
    const commented = (a: number, b: number) => utf8(`{\n// why\n"a": ${a},\n"c": 0,\n"b": ${b}\n}\n`);
    const merged = mergeContents('a.json', commented(1, 2), commented(9, 2), commented(1, 8));
    assert.deepEqual(merged, { state: 'merged', bytes: commented(9, 8) });
  });

  it('leaves alone what is not UTF-8, has a NUL, or is too large', () => {
    const apart = (base: Uint8Array, why: string) =>
      assert.deepEqual(mergeContents('a', base, utf8('x'), utf8('y')), { state: 'apart', why });
    apart(Uint8Array.of(0xff, 0xfe, 0x41), 'binary');
    apart(utf8('a\0b'), 'binary');
    apart(new Uint8Array(mergeBytesMax + 1).fill(0x61), 'too-large');
  });
});
