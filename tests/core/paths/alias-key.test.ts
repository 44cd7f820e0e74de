import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { aliasKey } from '../../../shared/core/paths/alias-key.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed());
const same = (a: string, b: string): void =>
  assert.equal(aliasKey(a), aliasKey(b), `${JSON.stringify(a)} ${JSON.stringify(b)}`);
const apart = (a: string, b: string): void =>
  assert.notEqual(aliasKey(a), aliasKey(b), `${JSON.stringify(a)} ${JSON.stringify(b)}`);

test('names that some file system takes for the same have one key', () => {
  const pairs = [
    ['README.md', 'readme.MD'],
    ['Straße', 'STRASSE'],
    ['Stra\u1e9ee', 'strasse'],
    ['\u00e9', 'E\u0301'],
    ['ΑΣ', 'ας'],
    ['ΑΣ', 'ασ'],
    ['\u212a', 'k'],
    ['\u212b', '\u00e5'],
    ['\ufb03', 'FFI'],
    ['ſ', 'S'],
    ['a\u200db', 'ab'],
    ['file\ufeff.txt', 'FILE.txt'],
    ['name. .', 'name'],
    ['\u0390', '\u1fd3'],
    ['\u1e9b\u0323', '\u1e61\u0323'],
    ['Ǆ', 'ǆ'],
    ['ᏸ', 'Ᏸ'],
    ['𐐀', '𐐨'],
  ] as const;
  for (const [a, b] of pairs) same(a, b);
});

test('names that no file system joins stay apart', () => {
  const pairs = [
    ['a', 'b'],
    ['e', 'é'],
    ['ı', 'i'],
    ['\u2460', '1'],
    ['\uff41', 'a'],
    ['a b', 'ab'],
    ['.a', 'a'],
    [' a', 'a'],
    ['a.b', 'ab'],
    ['и', 'й'],
  ] as const;
  for (const [a, b] of pairs) apart(a, b);
});

test('a key is its own key, and does not depend on form or case', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.equal(aliasKey(aliasKey(text)), aliasKey(text));
      same(text, text.normalize('NFD'));
      same(text, text.normalize('NFC'));
      if (!text.includes('ı')) same(text, text.toUpperCase());
      same(text, text.toLowerCase());
      same(text, `${text}. .`);
    }),
    { numRuns: 1_000 },
  );
});

test('every code point: its simple case mates (as the regular expression engine folds them) and its forms have its key', () => {
  const mates = new Map<string, string>();
  for (let code = 0; code <= 0x1ffff; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const c = String.fromCodePoint(code);
    const key = aliasKey(`x${c}x`);
    assert.equal(aliasKey(`x${c.normalize('NFD')}x`), key);
    for (const mate of new Set([c.toLowerCase(), c.toUpperCase()])) {
      if (mate !== c && mate.length === c.length && new RegExp(`^${mate}$`, 'iu').test(c)) {
        assert.equal(aliasKey(`x${mate}x`), key, code.toString(16));
        mates.set(c, mate);
      }
    }
  }
  assert.ok(mates.size > 2_500);
});
