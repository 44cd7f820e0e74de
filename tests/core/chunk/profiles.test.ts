import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../../shared/core/bytes.ts';
import { mustGetProfile, profileHeadBytes, profiles, selectProfile } from '../../../shared/core/chunk/profiles.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import { randomBytesOf } from './random-bytes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;

const text = utf8('const tide = "höher"; // 潮\r\n'.repeat(40));
const binary = randomBytesOf('binary', profileHeadBytes);

function latin1(characters: string, offset = 0): Uint8Array {
  return Uint8Array.from('\0'.repeat(offset) + characters + '\0'.repeat(100), (c) => c.charCodeAt(0));
}

function nameFor(size: number, head: Uint8Array): string {
  return selectProfile({ size, head }).name;
}

test('ids and sizes are those that manifests were written with', () => {
  const table = Object.values(profiles).map(({ id, name, content, maxBytes }) => [
    id,
    name,
    content === undefined ? [maxBytes] : [content.minBytes, content.avgBytes, content.maxBytes],
  ]);
  assert.deepEqual(table, [
    [1, 'document', [4 * KiB, 16 * KiB, 64 * KiB]],
    [2, 'binary', [16 * KiB, 64 * KiB, 256 * KiB]],
    [3, 'large', [128 * KiB, 512 * KiB, 2 * MiB]],
    [4, 'huge', [1 * MiB, 2 * MiB, 4 * MiB]],
    [5, 'paged', [16 * KiB]],
    [6, 'fixed', [4 * MiB]],
  ]);
  for (const profile of Object.values(profiles)) assert.equal(mustGetProfile(profile.id), profile);
  assert.throws(
    () => mustGetProfile(7),
    (error) => isTidemarkError(error, 'unsupported'),
  );
});

test('no chunk of a profile exceeds the limit, whatever the profile', () => {
  for (const { maxBytes, content } of Object.values(profiles)) {
    assert.ok(maxBytes <= limits.chunkBytesMax);
    assert.equal(content?.maxBytes ?? maxBytes, maxBytes);
  }
});

test('a new file: by size, and text below 64 MiB by content', () => {
  assert.equal(nameFor(0, new Uint8Array(0)), 'document');
  assert.equal(nameFor(text.length, text), 'document');
  assert.equal(nameFor(64 * MiB, text), 'document');
  assert.equal(nameFor(64 * MiB + 1, text), 'binary');
  assert.equal(nameFor(5_000, binary), 'binary');
  assert.equal(nameFor(1 * GiB, binary), 'binary');
  assert.equal(nameFor(1 * GiB + 1, binary), 'large');
  assert.equal(nameFor(32 * GiB, binary), 'large');
  assert.equal(nameFor(32 * GiB + 1, binary), 'huge');
  assert.equal(nameFor(1 * TiB, binary), 'huge');
  assert.equal(nameFor(1 * TiB + 1, binary), 'fixed');
});

test('page-structured files are known by their first bytes', () => {
  const heads = {
    sqlite: latin1('SQLite format 3\0'),
    qcow2: latin1('QFI\xfb'),
    vmdk: latin1('KDMV'),
    vhdx: latin1('vhdxfile'),
    vhd: latin1('conectix'),
    vdi: latin1('\x7f\x10\xda\xbe', 64),
  };
  for (const [kind, head] of Object.entries(heads)) assert.equal(nameFor(1 * MiB, head), 'paged', kind);
  assert.equal(nameFor(4 * GiB + 1, heads.qcow2), 'large', 'over the range of fixed 16 KiB chunks');
  assert.equal(nameFor(10, latin1('KDM').subarray(0, 3)), 'document', 'a head shorter than the magic');
});

test('documents are known by content: text in several encodings, office files, PDF', () => {
  const heads = {
    'UTF-16': latin1('\xff\xfeh\0i\0'),
    'Latin-1': latin1('Gr\xfc\xdfe').subarray(0, 5),
    'old Office': latin1('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'),
    docx: latin1('PK\x03\x04' + '\0'.repeat(26) + '[Content_Types].xml'),
    odt: latin1('PK\x03\x04' + '\0'.repeat(26) + 'mimetype'),
    pdf: latin1('%PDF-1.7\n%\xe2\xe3'),
  };
  for (const [kind, head] of Object.entries(heads)) assert.equal(nameFor(1 * MiB, head), 'document', kind);
  assert.equal(nameFor(1 * MiB, latin1('PK\x03\x04' + '\0'.repeat(26) + 'photo.jpg')), 'binary', 'another zip');
  assert.equal(nameFor(1 * MiB, latin1('text, then a NUL')), 'binary');
});

test('one control character that no text has makes a file binary', () => {
  const inText = new Set(['\b', '\t', '\n', '\f', '\r', '\x1b'].map((character) => character.charCodeAt(0)));
  for (let byte = 0; byte < 256; byte++) {
    const isControl = byte < 32 || byte === 127;
    const expected = isControl && !inText.has(byte) ? 'binary' : 'document';
    assert.equal(nameFor(1 * MiB, Uint8Array.of(97, byte, 98)), expected, `byte ${byte}`);
  }
});

test('only the first 4 KiB count, so that readers of different lengths agree', () => {
  const head = new Uint8Array(2 * profileHeadBytes).fill(97);
  head[profileHeadBytes] = 0;
  assert.equal(nameFor(head.length, head), 'document');
  assert.equal(nameFor(head.length, head.subarray(0, profileHeadBytes)), 'document');
});

test('a version keeps the profile of the one before within four times its range', () => {
  const keeps = (previous: keyof typeof profiles, size: number): boolean =>
    selectProfile({ size, head: binary, previous: profiles[previous] }) === profiles[previous];
  assert.ok(keeps('document', 256 * MiB));
  assert.ok(!keeps('document', 256 * MiB + 1));
  assert.ok(keeps('binary', 4 * GiB) && keeps('binary', 1));
  assert.ok(!keeps('binary', 4 * GiB + 1));
  assert.ok(keeps('large', GiB / 4 + 1) && keeps('large', 128 * GiB));
  assert.ok(!keeps('large', GiB / 4) && !keeps('large', 128 * GiB + 1));
  assert.ok(keeps('huge', 8 * GiB + 1) && !keeps('huge', 8 * GiB));
  assert.ok(keeps('huge', 1 * TiB) && !keeps('huge', 1 * TiB + 1), 'beyond, a manifest could not list the chunks');
  assert.ok(keeps('paged', 16 * GiB) && !keeps('paged', 16 * GiB + 1));
  assert.ok(keeps('fixed', 1) && keeps('fixed', limits.fileBytesMax));
});

test("the user's choice of fixed cuts holds for new files only", () => {
  const head = text;
  assert.equal(selectProfile({ size: text.length, head, preferFixed: true }).name, 'fixed');
  const { document } = profiles;
  assert.equal(selectProfile({ size: text.length, head, preferFixed: true, previous: document }).name, 'document');
});

test('whatever profile is chosen, the chunks fit into a manifest', () => {
  const previous = fc.constantFrom(undefined, ...Object.values(profiles));
  const size = fc.tuple(fc.nat(42), fc.nat(2 ** 30)).map(([bits, part]) => Math.floor((part / 2 ** 30) * 2 ** bits));
  const head = fc.constantFrom(text, binary, latin1('KDMV'));
  fc.assert(
    fc.property(size, head, previous, fc.boolean(), (size, head, previous, preferFixed) => {
      const { content, maxBytes } = selectProfile({ size, head, previous, preferFixed });
      assert.ok(Math.ceil(size / (content?.minBytes ?? maxBytes)) <= limits.manifestChunksMax);
    }),
    { numRuns: 2_000 },
  );
});

test('a file that no manifest can list is refused', () => {
  assert.throws(
    () => selectProfile({ size: limits.fileBytesMax + 1, head: binary }),
    (error) => isTidemarkError(error, 'too-large'),
  );
});
