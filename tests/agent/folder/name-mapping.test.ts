/** Escaped names: one for each name, that name again when read, and nothing that Windows refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, constantFrom, oneof, property, string } from 'fast-check';
import { diskToName, nameToDisk } from '../../../client/agent/folder/name-mapping.ts';
import { checkName, isWindowsReserved } from '../../../shared/core/paths/name.ts';

const parts = constantFrom(
  'CON',
  'nul',
  'COM1',
  'com¹',
  'LPT9',
  'conin$',
  '.',
  ' ',
  ':',
  '\\',
  '?',
  '\u0007',
  '\u2031',
  '3A',
  'a',
  '.txt',
);
const names = oneof(
  array(parts, { minLength: 1, maxLength: 5 }).map((all) => all.join('')),
  string({ unit: 'grapheme' }),
).filter((name) => checkName(name) === 'ok');

test('an escaped name is one that Windows holds, and comes back as it was', () => {
  assertProperty(
    property(names, (name) => {
      const onDisk = nameToDisk(name);
      assert.ok(!isWindowsReserved(onDisk), onDisk);
      assert.equal(diskToName(onDisk), name);
    }),
    { numRuns: 2_000 },
  );
});

test('two names never share an escaped one', () => {
  assertProperty(
    property(names, names, (a, b) => assert.equal(nameToDisk(a) === nameToDisk(b), a === b)),
    { numRuns: 2_000 },
  );
});

test('a name on the disk is that of one node, or of none', () => {
  assertProperty(
    property(names, (onDisk) => {
      const name = diskToName(onDisk);
      assert.ok(name === undefined || nameToDisk(name) === onDisk);
    }),
    { numRuns: 2_000 },
  );
});

test('ordinary names lie as they are', () => {
  for (const name of ['notes.txt', '.profile', 'CONFIG', 'com10', 'Grüße.md', '日本', 'a b', '100%', 'x'.repeat(255)]) {
    assert.equal(nameToDisk(name), name);
    assert.equal(diskToName(name), name);
  }
});

test('names are escaped as documented', () => {
  const cases = {
    CON: '‱43ON',
    'nul.txt': '‱6Eul.txt',
    'a:b': 'a‱3Ab',
    'notes.': 'notes‱2E',
    'end ': 'end‱20',
    '5‱': '5‱‱',
    '...': '..‱2E',
  };
  for (const [name, onDisk] of Object.entries(cases)) assert.equal(nameToDisk(name), onDisk);
});

test('a name on the disk that leads out of its folder, or is no escape, is that of no node', () => {
  for (const onDisk of [
    '‱2E‱2E‱2Fetc',
    '.‱2E',
    '‱2F',
    '‱00',
    '‱',
    'a‱',
    '‱61bc',
    '‱3a',
    '.tidemark‱2E',
    'a:b',
    'CON',
  ]) {
    assert.equal(diskToName(onDisk), undefined, onDisk);
  }
});
