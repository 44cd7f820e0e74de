import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareBytes, equalBytes, hexToBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { bytesToNodeId, rootNodeId } from '../../../shared/core/ids.ts';
import {
  entriesPrefix,
  entryKey,
  entryKeyToPlace,
  folderPrefix,
  isEntryKey,
  placeKey,
  placeToValue,
  placeValueToPlace,
  samePlace,
} from '../../../shared/core/tree/keys.ts';
import { takes } from './mutations.ts';

const place = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }))
  .map(([parentId, name]) => ({ parentId: bytesToNodeId(parentId), name: name.toWellFormed() }));

test('a place goes into keys and values and back', () => {
  fc.assert(
    fc.property(place, (value) => {
      assert.deepEqual(entryKeyToPlace(entryKey(value)), value);
      assert.deepEqual(placeValueToPlace(placeToValue(value)), value);
      assert.ok(isEntryKey(entryKey(value)) && !isEntryKey(placeKey(value.parentId)));
      assert.ok(samePlace(value, { ...value }));
    }),
  );
});

test('a folder is one run of keys, its names in the order of their UTF-8', () => {
  fc.assert(
    fc.property(place, place, (a, b) => {
      const prefix = folderPrefix(a.parentId);
      assert.ok(equalBytes(entryKey(a).subarray(0, prefix.length), prefix));
      assert.ok(equalBytes(prefix.subarray(0, entriesPrefix.length), entriesPrefix));
      const order = compareBytes(entryKey(a), entryKey({ ...b, parentId: a.parentId }));
      assert.equal(Math.sign(order), Math.sign(compareBytes(utf8(a.name), utf8(b.name))));
    }),
  );
});

test('the bytes of one key of each kind', () => {
  assert.deepEqual(entryKey({ parentId: rootNodeId, name: 'é' }), hexToBytes(`01${'00'.repeat(16)}c3a9`));
  assert.deepEqual(placeKey(rootNodeId), hexToBytes(`02${'00'.repeat(16)}`));
});

test('other bytes are no place', () => {
  const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');
  assert.throws(() => entryKeyToPlace(placeKey(rootNodeId)), malformed);
  assert.throws(() => placeValueToPlace(new Uint8Array(16)), malformed);
  assert.throws(() => placeValueToPlace(hexToBytes(`${'00'.repeat(16)}c0af`)), malformed);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void takes(() => entryKeyToPlace(bytes))));
});
