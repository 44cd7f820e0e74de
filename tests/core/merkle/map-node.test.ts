import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { bytesToHex, compareBytes, concatBytes, hexToBytes, utf8 } from '../../../shared/core/bytes.ts';
import { type ErrorCode, isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3, mapNodeHash } from '../../../shared/core/hash/blake3.ts';
import { limits } from '../../../shared/core/limits.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { type MapNode, decodeMapNode, encodeMapNode, mapNodeDigest } from '../../../shared/core/merkle/map-node.ts';
import { mapKeyRank } from '../../../shared/core/merkle/map-rank.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';

/** Lengths around every change of header, and some in between. */
const anyBin = (max: number): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.constantFrom(0, 1, 2, 31, 255, 256, 300, 65_535, 65_536), fc.integer({ min: 0, max: 255 }))
    .map(([length, fill]) => new Uint8Array(Math.min(length, max)).fill(fill));

const anyKeys = fc
  .uniqueArray(fc.oneof(fc.uint8Array({ maxLength: 20 }), anyBin(limits.mapKeyBytesMax)), {
    selector: bytesToHex,
    maxLength: 40,
  })
  .map((keys) => keys.sort(compareBytes));

const anyLeaf: fc.Arbitrary<MapNode> = anyKeys.chain((keys) =>
  fc
    .array(
      fc.oneof({ weight: 20, arbitrary: fc.uint8Array({ maxLength: 20 }) }, { weight: 1, arbitrary: anyBin(65_536) }),
      {
        minLength: keys.length,
        maxLength: keys.length,
      },
    )
    .map((values) => ({ level: 0, keys, values })),
);

const anyInner: fc.Arbitrary<MapNode> = fc
  .tuple(fc.integer({ min: 1, max: limits.mapLevelsMax - 1 }), anyKeys)
  .filter(([, keys]) => keys.length > 0)
  .map(([level, keys]) => ({ level, keys, values: keys.map((key) => blake3(key)) }));

const anyNode = fc.oneof(anyLeaf, anyInner);

function refuses(bytes: Uint8Array, ...codes: readonly ErrorCode[]): void {
  assert.throws(
    () => decodeMapNode(bytes),
    (error) => isTidemarkError(error) && codes.includes(error.code),
  );
}

describe('nodes of the Merkle map', () => {
  it('have the bytes of the msgpack library, and come back as they were', () => {
    fc.assert(
      fc.property(anyNode, (node) => {
        const bytes = encodeMapNode(node);
        assert.equal(compareBytes(bytes, encode([node.level, node.keys, node.values])), 0);
        assert.deepEqual(decodeMapNode(bytes), node);
      }),
      { numRuns: 200 },
    );
  });

  it('have these bytes with 15, 16 and 4,096 items', () => {
    for (const count of [0, 1, 15, 16, 17, 255, 256, 4_096]) {
      const keys = Array.from({ length: count }, (_, i) => Uint8Array.of(i >> 8, i & 255));
      const node = { level: 0, keys, values: keys };
      assert.deepEqual(encodeMapNode(node), Uint8Array.from(encode([0, keys, keys])));
      assert.deepEqual(decodeMapNode(encodeMapNode(node)), node);
    }
  });

  it('are those of the worked example', async () => {
    const pairs = [
      ['a', 1],
      ['g', 2],
      ['h', 3],
    ] as const;
    const edits = pairs.map(([key, value]) => ({ key: utf8(key), value: Uint8Array.of(value) }));
    const { root, nodes } = await mapApply(new MemoryNodeSource(), emptyMapRoot, edits);
    const left = '6555bae34282b0cebe0e03925aa72ca535c43909ecf0c8e67d421b0a2eeb96d8';
    const right = '1158446175487eda1f4c34c6bf433500016d0c604594cd5d11bf8242997a8feb';
    assert.equal(root, 'faaaa9b91a4e18bc9993e06f76e10a7d261236beab4f1b2fa26981aae92a091b');
    assert.deepEqual(
      [...nodes].map(([hash, bytes]) => [hash, bytesToHex(bytes)]),
      [
        [left, '930092c40161c4016792c40101c40102'],
        [right, '930091c4016891c40103'],
        [root, `930192c40167c4016892c420${left}c420${right}`],
      ],
    );
  });

  it('are named by the keyed hash of their bytes', () => {
    assert.equal(mapNodeDigest(utf8('x')), bytesToHex(mapNodeHash(utf8('x'))));
    assert.notEqual(mapNodeDigest(utf8('x')), bytesToHex(blake3(utf8('x'))));
  });

  it('are not written over the limits of a reader', () => {
    const tooLarge = (error: unknown) => isTidemarkError(error, 'too-large');
    const keys = Array.from({ length: limits.mapNodeItemsMax + 1 }, (_, i) => Uint8Array.of(i >> 8, i & 255));
    assert.throws(() => encodeMapNode({ level: 0, keys, values: keys }), tooLarge);
    assert.throws(() => encodeMapNode({ level: limits.mapLevelsMax, keys: [], values: [] }), tooLarge);
  });

  it('are refused when their form is wrong', () => {
    const leaf = (keys: readonly string[], values: readonly string[]) => encode([0, keys.map(utf8), values.map(utf8)]);
    refuses(leaf(['b', 'a'], ['1', '2']), 'malformed');
    refuses(leaf(['a', 'a'], ['1', '2']), 'malformed');
    refuses(leaf(['a'], ['1', '2']), 'malformed');
    refuses(leaf(['a', 'b'], ['1']), 'malformed');
    refuses(encode([1, [], []]), 'malformed');
    refuses(encode([1, [utf8('a')], [new Uint8Array(31)]]), 'malformed');
    refuses(encode([1, [utf8('a')], [new Uint8Array(33)]]), 'too-large');
    refuses(encode([limits.mapLevelsMax, [utf8('a')], [new Uint8Array(32)]]), 'malformed');
    refuses(encode([0, [], [], []]), 'malformed');
    refuses(encode([0, ['a'], [utf8('1')]]), 'malformed');
    refuses(concatBytes(leaf(['a'], ['1']), Uint8Array.of(0xc0)), 'malformed');
    refuses(encode([0, [new Uint8Array(limits.mapKeyBytesMax + 1)], [utf8('1')]]), 'too-large');
    refuses(encode([0, [utf8('a')], [new Uint8Array(limits.mapValueBytesMax + 1)]]), 'too-large');
  });

  it('are refused when a length is not in its shortest form', () => {
    const canonical = '930091c4016191c40131';
    assert.equal(decodeMapNode(hexToBytes(canonical)).keys.length, 1);
    for (const other of [
      'dc00030091c4016191c40131',
      '93cc0091c4016191c40131',
      '9300dc0001c4016191c40131',
      '9300dd00000001c4016191c40131',
      '930091c500016191c40131',
      '930091c6000000016191c40131',
      '930091c40161dc0001c40131',
      '930091c4016191c5000131',
    ]) {
      refuses(hexToBytes(other), 'malformed');
    }
  });

  it('that claim more than they have are refused at once', () => {
    for (const lying of [
      '9300dcffff',
      '9300dd7fffffff90',
      '930091c6ffffffff',
      '930091c5ffff',
      '930091c4ff',
      '9300dc1000',
    ]) {
      refuses(hexToBytes(lying), 'malformed', 'too-large');
    }
  });

  it('never fail but with a coded error, nor read anything but what would be written', () => {
    const anyDamage = fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { minLength: 1, maxLength: 3 });
    const damaged = fc.tuple(anyNode, anyDamage, fc.nat()).map(([node, damage, length]) => {
      const bytes = encodeMapNode(node);
      for (const { at, to } of damage) bytes[at % Math.min(bytes.length, 64)] = to;
      return length % 3 === 0 ? bytes.subarray(0, length % bytes.length) : bytes;
    });
    const headed = fc
      .uint8Array({ maxLength: 60 })
      .map((rest) => concatBytes(Uint8Array.of(0x93, 0, 0x91, 0xc4), rest));
    let read = 0;
    fc.assert(
      fc.property(fc.oneof(damaged, headed, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        let node: MapNode;
        try {
          node = decodeMapNode(bytes);
        } catch (error) {
          assert.ok(isTidemarkError(error, 'malformed') || isTidemarkError(error, 'too-large'), String(error));
          return;
        }
        read++;
        assert.equal(compareBytes(encodeMapNode(node), bytes), 0);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(read > 0, 'some damage leaves a node');
  });
});

describe('the rank of a key', () => {
  it('counts the leading bytes of its hash that end in five zero bits', () => {
    assert.equal(mapKeyRank(utf8('a')), 0);
    assert.equal(mapKeyRank(utf8('g')), 1);
    const ranks = Array.from({ length: 40_000 }, (_, i) => utf8(`${i}`)).filter((key) => {
      const hash = blake3(key);
      const zero = [0, 1, 2].map((level) => (hash[level]! & 31) === 0);
      const expected = zero.includes(false) ? zero.indexOf(false) : 3;
      assert.equal(Math.min(3, mapKeyRank(key)), expected);
      return expected > 0;
    });
    assert.ok(ranks.length > 1_000 && ranks.length < 1_500);
  });
});
