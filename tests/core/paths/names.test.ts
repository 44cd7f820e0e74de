import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import { conflictName, truncateUtf8 } from '../../../shared/core/paths/conflict-name.ts';
import { controlFolder, isControlFolderAlias } from '../../../shared/core/paths/control-folder.ts';
import { checkName, isWindowsReserved, parseName } from '../../../shared/core/paths/name.ts';
import conflictVectors from '../../vectors/conflict-names.json' with { type: 'json' };
import vectors from '../../vectors/names.json' with { type: 'json' };

test('the vectors: names taken and refused', () => {
  for (const { name, fault, comment } of vectors.cases) {
    assert.equal(checkName(name), fault ?? 'ok', `${comment}: ${JSON.stringify(name)}`);
    if (fault === null) assert.equal(parseName(name), name);
    else
      assert.throws(
        () => parseName(name),
        (error) => isTidemarkError(error, 'malformed') && error.data['reason'] === fault,
      );
  }
  assert.equal(checkName('\ud800'), 'ill-formed');
});

test('no disguise of the control folder passes (L25)', () => {
  const ignorable = fc.constantFrom(
    '',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u200e',
    '\u202a',
    '\u206a',
    '\ufeff',
    '\u00ad',
    '\ufe0f',
  );
  const letters = Array.from(controlFolder, (letter) =>
    fc.tuple(ignorable, fc.constantFrom(letter, letter.toUpperCase())).map((pair) => pair.join('')),
  );
  const ending = fc.constantFrom('', '.', ' ', '. . ', '::$INDEX_ALLOCATION', ':x', '\\journal', ' :x', '.\u200b.');
  fc.assert(
    fc.property(fc.tuple(...letters), ending, (disguise, end) => {
      const name = disguise.join('') + end;
      assert.ok(isControlFolderAlias(name), JSON.stringify(name));
      assert.notEqual(checkName(name), 'ok');
      assert.notEqual(checkName(name.normalize('NFD')), 'ok');
    }),
  );
});

test('what Windows cannot hold under its very name', () => {
  const devices = [
    'con',
    'CON',
    'Con.txt',
    'nul.tar.gz',
    'aux .txt',
    'prn ',
    'com1',
    'COM¹.log',
    'lpt9',
    'conin$',
    'con:',
  ];
  const characters = ['a:b', 'a*', 'a?', 'a"', 'a<', 'a>', 'a|b', 'b\\c', 'x.', 'x ', 'tab\t', '\u0001'];
  for (const name of [...devices, ...characters]) assert.ok(isWindowsReserved(name), JSON.stringify(name));
  for (const name of [
    'a',
    'com',
    'com10',
    'com0',
    'lpt',
    'conx',
    'xcon',
    'console',
    'null',
    'a.con',
    '.x',
    ' x',
    'é',
  ]) {
    assert.ok(!isWindowsReserved(name), JSON.stringify(name));
  }
});

test('the vectors: conflict names', () => {
  for (const { name, device, clockMs, n, copy } of conflictVectors.cases) {
    assert.equal(conflictName(name, device, clockMs, n), copy);
  }
});

test('a conflict copy of any name by any device can be stored, keeps its extension, and differs by number', () => {
  const anyName = fc
    .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 260 }), fc.constantFrom('', '.txt', '.tar.gz', '.😀'))
    .map(([stem, extension]) => truncateUtf8(stem.toWellFormed(), 255 - extension.length * 2) + extension)
    .filter((name) => checkName(name) === 'ok');
  const clock = fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger());
  fc.assert(
    fc.property(
      anyName,
      fc.string({ unit: 'binary', maxLength: 200 }),
      clock,
      fc.nat(1_000_000),
      (name, device, ms, n) => {
        const copy = conflictName(name, device, ms, n + 1);
        assert.equal(checkName(copy), 'ok', JSON.stringify(copy));
        assert.ok(utf8(copy).length <= limits.nameBytesMax);
        assert.notEqual(copy, name);
        assert.notEqual(copy, conflictName(name, device, ms, n + 2));
        assert.equal(copy, conflictName(name, device, ms, n + 1));
        if (name.endsWith('.txt') && !/^\.*txt$/.test(name)) assert.ok(copy.endsWith('.txt'));
      },
    ),
    { numRuns: 500 },
  );
});

test('text is cut between code points', () => {
  assert.equal(truncateUtf8('aé😀b', 7), 'aé😀');
  assert.equal(truncateUtf8('aé😀b', 6), 'aé');
  assert.equal(truncateUtf8('aé😀b', 2), 'a');
  assert.equal(truncateUtf8('abc', 0), '');
});
