import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { bytesToDeviceId, bytesToDigest, bytesToNodeId } from '../../../shared/core/ids.ts';
import { countUp, emptyVersion } from '../../../shared/core/version-vector.ts';
import { decodeBody, decodeJson, encodeBody, encodeJson } from '../../../shared/core/wire/envelope.ts';
import { isLz4Wrapped } from '../../../shared/core/wire/lz4-block-array.ts';
import { treeEdits } from '../../../shared/core/wire/journal-entry.ts';
import { type Operation, operation } from '../../../shared/core/wire/operation.ts';
import { bits, bytes, flag, integer, list, message, oneOf, optional, text } from '../../../shared/core/wire/schema.ts';
import { fuzzDecoder, takes } from '../base/mutations.ts';

const { lz4 } = nodeCodecs;
const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');
const tooLarge = (error: unknown): boolean => isTidemarkError(error, 'too-large');

const note = message('Note', {
  title: text(20),
  tags: list(text(2_000), 2_000),
  body: optional(bytes(100_000)),
  count: integer(0, 1_000),
  pinned: flag,
  colour: oneOf('red', 'green'),
});
const plain = { title: 'é', tags: ['a'], body: Uint8Array.of(1, 2), count: 5, pinned: true, colour: 'green' } as const;

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToDigest);
const ms = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((value) => value.toWellFormed());
const base = fc.array(id.map(bytesToDeviceId), { maxLength: 3 }).map((ids) => ids.reduce(countUp, emptyVersion));
const nodeId = id.map(bytesToNodeId);
const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('put' as const),
      nodeId,
      parentId: nodeId,
      name,
      base,
      baseContent: fc.option(digest),
      content: digest,
      size: fc.nat(),
      mode: fc.constantFrom(0, 0o111, 0o1),
      mtimeMs: ms,
      clockMs: ms,
      sha256: fc.option(digest),
      fallback: fc.option(fc.boolean()),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant('move' as const),
      nodeId,
      parentId: nodeId,
      name,
      base,
      basePlace: fc.record({ parentId: nodeId, name }, { noNullPrototype: true }),
      clockMs: ms,
    },
    { noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant('delete' as const), nodeId, base, clockMs: ms }, { noNullPrototype: true }),
);

test('operations come back from msgpack, LZ4 and JSON as they were', () => {
  const many = list(operation, 100);
  fc.assert(
    fc.property(fc.array(operations, { maxLength: 30 }), (value) => {
      assert.deepEqual(decodeBody(many, encodeBody(many, value, null), null), value);
      assert.deepEqual(decodeBody(many, encodeBody(many, value, lz4), lz4), value);
      assert.deepEqual(decodeJson(many, encodeJson(many, value)), value);
    }),
    { numRuns: 200 },
  );
});

test('the two forms of one message', () => {
  assert.equal(bytesToHex(encodeBody(note, plain, lz4)), '96a2c3a991a161c402010205c301');
  assert.equal(
    encodeJson(note, plain),
    '{"title":"é","tags":["a"],"body":"AQI","count":5,"pinned":true,"colour":"green"}',
  );
});

test('compressed when over 1 KiB and shorter for it, and never without a codec', () => {
  const long = { ...plain, tags: Array.from({ length: 300 }, () => 'the same again') };
  const noise = { ...plain, body: Uint8Array.from({ length: 5_000 }, (_, i) => (i * i * 31 + (i >> 3) * 7) % 251) };
  assert.ok(isLz4Wrapped(encodeBody(note, long, lz4)));
  assert.ok(encodeBody(note, long, lz4).length < encodeBody(note, long, null).length / 2);
  assert.ok(!isLz4Wrapped(encodeBody(note, long, null)));
  assert.ok(!isLz4Wrapped(encodeBody(note, plain, lz4)));
  assert.ok(encodeBody(note, noise, lz4).length <= encodeBody(note, noise, null).length);
  assert.throws(
    () => decodeBody(note, encodeBody(note, long, lz4), null),
    (error) => isTidemarkError(error, 'unsupported'),
  );
});

test('bodies over the limit are refused, as sent and as decompressed', () => {
  const long = { ...plain, body: new Uint8Array(50_000) };
  const body = encodeBody(note, long, lz4);
  assert.ok(body.length < 1_000);
  assert.throws(() => decodeBody(note, body, lz4, 40_000), tooLarge);
  assert.throws(() => decodeBody(note, encodeBody(note, long, null), null, 40_000), tooLarge);
  assert.equal(decodeBody(note, body, lz4, 51_000).body?.length, 50_000);
  assert.throws(() => decodeJson(note, encodeJson(note, long), 40_000), tooLarge);
});

test('a newer peer may add fields at the end; anything else is refused by the name of its field', () => {
  const fields = note.toWire(plain) as unknown[];
  assert.deepEqual(decodeBody(note, encode([...fields, 'new']), null), plain);
  const field = (value: unknown): string => {
    try {
      decodeBody(note, encode(value), null);
    } catch (error) {
      if (isTidemarkError(error, 'malformed')) return String(error.data['field']);
      throw error;
    }
    return 'taken';
  };
  const changed = (place: number, value: unknown): unknown[] => fields.map((old, i) => (i === place ? value : old));
  assert.equal(field(changed(0, 'x'.repeat(21))), 'title');
  assert.equal(field(changed(1, ['a', 5])), 'tags[1]');
  assert.equal(field(changed(2, 'text')), 'body');
  for (const count of [-1, 1_001, 2 ** 53 - 1, '5', true, null]) assert.equal(field(changed(3, count)), 'count');
  assert.equal(field(changed(4, 1)), 'pinned');
  assert.equal(field(changed(5, 2)), 'colour');
  assert.equal(field(fields.slice(0, 3)), 'count');
  assert.equal(field(changed(2, null)), 'taken');
});

test('msgpack bodies: trailing bytes, depth, maps and NaN are refused', () => {
  const body = encodeBody(note, plain, null);
  assert.throws(() => decodeBody(note, concatBytes(body, Uint8Array.of(0)), null), malformed);
  const deep = concatBytes(new Uint8Array(100_000).fill(0x91), Uint8Array.of(0xc0));
  assert.throws(() => decodeBody(note, deep, null), malformed);
  assert.throws(() => decodeBody(note, encode({ title: 'x' }), null), malformed);
  assert.throws(() => decodeBody(note, encode(NaN), null), malformed);
});

test('JSON: unknown names are dropped, __proto__ does nothing, depth bombs and wrong forms are refused', () => {
  const json = encodeJson(note, plain);
  const hostile = json.replace('{', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},');
  const decoded = decodeJson(note, hostile);
  assert.deepEqual(decoded, plain);
  assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  assert.throws(() => decodeJson(note, json.replace('"title":"é"', '"__proto__":{"title":"é"}')), malformed);
  for (const bomb of ['['.repeat(100_000), '{"a":'.repeat(100_000), `${'['.repeat(17)}${']'.repeat(17)}`]) {
    assert.throws(() => decodeJson(note, bomb), malformed);
  }
  const brackets = { ...plain, tags: ['[[[[[[[[[[[[[[[[[[[[{"', '\\"[[[[[[[[[[[[[[[[[[[['] };
  assert.deepEqual(decodeJson(note, encodeJson(note, brackets)), brackets);
  for (const bad of [
    '',
    'null',
    '[]',
    '5',
    '{',
    json.replace('AQI', 'AQ='),
    json.replace('5', '5.5'),
    json.replace('5', '1e9'),
  ]) {
    assert.throws(() => decodeJson(note, bad), malformed, bad);
  }
  assert.throws(() => decodeJson(note, json.replace('é', '\\ud800')), malformed);
});

test('bits outside a mask are refused', () => {
  const schema = bits(0o111);
  for (const value of [0, 1, 8, 64, 73]) assert.equal(schema.fromWire(value, 'mode'), value);
  for (const value of [2, 72.5, 74, -1, 2 ** 32 + 1, '1'])
    assert.throws(() => schema.fromWire(value, 'mode'), malformed);
});

test('tree edits: a missing value is an error, not a delete', () => {
  const key = hexToBytes('01');
  const edits = [
    { key, value: null },
    { key: hexToBytes('0102'), value: hexToBytes('ff') },
  ];
  assert.deepEqual(treeEdits.fromWire(treeEdits.toWire(edits), ''), edits);
  assert.deepEqual(treeEdits.fromJson(treeEdits.toJson(edits), ''), edits);
  for (const raw of [[[key], []], [[], [null]], [[key]], [], null, [[key], [5]]]) {
    assert.throws(() => treeEdits.fromWire(raw, 'edits'), malformed);
  }
});

test('any bytes and any text are a message or a coded error', () => {
  const many = list(operation, 100);
  const [sample] = fc.sample(fc.array(operations, { minLength: 5, maxLength: 5 }), { seed: 7, numRuns: 1 });
  const bodies = [encodeBody(many, sample!, null), encodeBody(many, [...sample!, ...sample!, ...sample!], lz4)];
  fuzzDecoder(bodies, (body) => decodeBody(many, body, lz4, 1 << 20), 3_000);
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
      takes(() => decodeJson(many, json));
      takes(() => decodeJson(operation, json));
    }),
    { numRuns: 1_000 },
  );
});
