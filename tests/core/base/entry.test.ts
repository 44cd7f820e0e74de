import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, concatBytes, hexToBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { bytesToDeviceId, bytesToDigest, bytesToNodeId } from '../../../shared/core/ids.ts';
import { type Entry, decodeEntry, encodeEntry, sameContent } from '../../../shared/core/tree/entry.ts';
import { emptyVersion, countUp } from '../../../shared/core/version-vector.ts';
import vectors from '../../vectors/entry.json' with { type: 'json' };
import { fuzzDecoder } from './mutations.ts';

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToDigest);
const base = fc.record({
  nodeId: id.map(bytesToNodeId),
  version: fc.array(id.map(bytesToDeviceId), { maxLength: 4 }).map((list) => list.reduce(countUp, emptyVersion)),
  mtimeMs: fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
  mode: fc.constantFrom(0, 0o111, 0o100),
});
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc
    .tuple(base, fc.nat(), digest, fc.option(digest, { nil: undefined }))
    .map(([fields, size, content, sha256]): Entry => {
      return { kind: 'file', ...fields, size, content, ...(sha256 === undefined ? {} : { sha256 }) };
    }),
  base.map((fields): Entry => ({ kind: 'folder', ...fields })),
  fc
    .tuple(base, fc.string({ unit: 'grapheme', maxLength: 40 }))
    .map(([fields, target]): Entry => ({ kind: 'symlink', ...fields, target: target.toWellFormed() })),
);

test('an entry comes back as it was, and its bytes are canonical', () => {
  fc.assert(
    fc.property(entry, (value) => {
      const bytes = encodeEntry(value);
      const decoded = decodeEntry(bytes);
      assert.deepEqual(decoded, value);
      assert.deepEqual(encodeEntry(decoded), bytes);
      assert.ok(sameContent(value, decoded));
    }),
  );
});

test('the vectors: valid entries', () => {
  for (const { comment, hex } of vectors.valid) {
    const bytes = hexToBytes(hex.replaceAll(' ', ''));
    assert.equal(bytesToHex(encodeEntry(decodeEntry(bytes))), bytesToHex(bytes), comment);
  }
});

test('the vectors: entries that are refused', () => {
  for (const { comment, hex } of vectors.invalid) {
    const bytes = hexToBytes(hex.replaceAll(' ', ''));
    assert.throws(
      () => decodeEntry(bytes),
      (error) => isTidemarkError(error, 'malformed'),
      comment,
    );
  }
});

test('any bytes are an entry or a coded error', () => {
  fuzzDecoder(
    vectors.valid.map(({ hex }) => hexToBytes(hex.replaceAll(' ', ''))),
    decodeEntry,
    3_000,
  );
});

test('nested arrays that each claim 1,024 items are refused before they are allocated', () => {
  const levels = Array.from({ length: 20_000 }, () => Uint8Array.of(0xdc, 0x04, 0x00));
  assert.throws(
    () => decodeEntry(concatBytes(...levels)),
    (error) => isTidemarkError(error, 'malformed'),
  );
});

test('what is the same to a user: kind, content, target, mode; not place, version, or time', () => {
  const file = decodeEntry(hexToBytes(vectors.valid[0]!.hex.replaceAll(' ', ''))) as Entry & { kind: 'file' };
  assert.ok(sameContent(file, { ...file, mtimeMs: 1, version: emptyVersion }));
  assert.ok(!sameContent(file, { ...file, content: bytesToDigest(new Uint8Array(32)) }));
  assert.ok(!sameContent(file, { ...file, mode: 0o111 }));
  const { nodeId, version, mtimeMs, mode } = file;
  const link = { kind: 'symlink', nodeId, version, mtimeMs, mode, target: 'a' } as const;
  assert.ok(!sameContent(file, link));
  assert.ok(!sameContent(link, { ...link, target: 'b' }));
});
