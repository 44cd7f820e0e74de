import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, compareBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { mapNodeHash } from '../../../shared/core/hash/blake3.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { encodeMapNode, mapNodeDigest } from '../../../shared/core/merkle/map-node.ts';
import {
  type MapScanOptions,
  emptyMapNode,
  emptyMapRoot,
  mapGet,
  mapGetMany,
  mapScan,
} from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource, OverlayNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import {
  CountingSource,
  anyContent,
  anyKey,
  buildByTheBook,
  collect,
  editsToBuild,
  manyPairs,
  rankedKeys,
  sortedItems,
  storedMap,
} from './map-model.ts';

const nothing = new MemoryNodeSource();

describe('reading the Merkle map', () => {
  it('finds each key, and only those, one by one and many at once', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, async (content) => {
        const { source, root } = await storedMap(content);
        const expected = rankedKeys.map((key) => content.get(bytesToHex(key)));
        assert.deepEqual(await mapGetMany(source, root, rankedKeys), expected);
        const singly = await Promise.all(rankedKeys.map((key) => mapGet(source, root, key)));
        assert.deepEqual(singly, expected);
      }),
      { numRuns: 50 },
    );
  });

  it('asks once a level, for many keys as for one, and never twice for a node', async () => {
    const content = manyPairs(20_000);
    const { source, root } = await storedMap(content);
    const { levels } = buildByTheBook(content);
    const items = sortedItems(content);
    const counting = new CountingSource(source);
    const keys = items.filter((_, i) => i % 3 === 0).map(({ key }) => key);
    const values = await mapGetMany(counting, root, keys);
    assert.deepEqual(
      values.map((value) => value && bytesToHex(value)),
      keys.map((key) => bytesToHex(content.get(bytesToHex(key))!)),
    );
    assert.equal(counting.calls, levels);
    assert.equal(new Set(counting.asked).size, counting.asked.length);
    const single = new CountingSource(source);
    await mapGet(single, root, items[777]!.key);
    assert.equal(single.asked.length, levels);
  });

  it('refuses keys that do not ascend', async () => {
    const malformed = (error: unknown) => isTidemarkError(error, 'malformed');
    await assert.rejects(mapGetMany(nothing, emptyMapRoot, [utf8('b'), utf8('a')]), malformed);
    await assert.rejects(mapGetMany(nothing, emptyMapRoot, [utf8('a'), utf8('a')]), malformed);
  });

  it('knows the empty map without asking', async () => {
    assert.deepEqual(emptyMapNode, Uint8Array.of(0x93, 0, 0x90, 0x90));
    assert.deepEqual(await mapGetMany(nothing, emptyMapRoot, []), []);
    assert.equal(await mapGet(nothing, emptyMapRoot, utf8('a')), undefined);
    assert.deepEqual(await collect(mapScan(nothing, emptyMapRoot)), []);
  });

  it('scans what a filter of the sorted pairs gives', async () => {
    const anyPrefix = anyKey.chain((key) => fc.nat(key.length).map((length) => key.subarray(0, length)));
    const anyOptions: fc.Arbitrary<MapScanOptions> = fc.record(
      {
        prefix: fc.oneof(anyPrefix, fc.uint8Array({ maxLength: 2 })),
        after: fc.oneof(anyKey, fc.uint8Array({ maxLength: 2 })),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(anyContent, anyOptions, async (content, options) => {
        const { source, root } = await storedMap(content);
        const { prefix, after } = options;
        const expected = sortedItems(content)
          .filter(({ key }) => prefix === undefined || bytesToHex(key).startsWith(bytesToHex(prefix)))
          .filter(({ key }) => after === undefined || compareBytes(key, after) > 0)
          .map(({ key, value }) => [key, value]);
        assert.deepEqual(await collect(mapScan(source, root, options)), expected);
      }),
      { numRuns: 300 },
    );
  });

  it('scans everything in order, and a folder by its own leaves alone', async () => {
    const content = manyPairs(25_000);
    const { source, root } = await storedMap(content);
    const items = sortedItems(content);
    const counting = new CountingSource(source);
    let at = 0;
    for await (const [key, value] of mapScan(counting, root)) {
      assert.equal(compareBytes(key, items[at]!.key), 0);
      assert.equal(compareBytes(value, items[at]!.value), 0);
      at++;
    }
    assert.equal(at, items.length);
    assert.equal(counting.asked.length, source.size);
    assert.ok(counting.calls < source.size / 32, 'nodes are read in batches');

    const folder = items[10_000]!.key.subarray(0, 17);
    const inFolder = items.filter(({ key }) => compareBytes(key.subarray(0, 17), folder) === 0);
    const listing = new CountingSource(source);
    assert.equal((await collect(mapScan(listing, root, { prefix: folder }))).length, inFolder.length);
    const { nodes } = buildByTheBook(content);
    const leavesOfFolder = [...nodes.values()].filter(
      (bytes) => bytes[1] === 0 && bytesToHex(bytes).includes(bytesToHex(folder)),
    );
    const innerOfFolder = listing.asked.filter((hash) => nodes.get(hash)![1] !== 0);
    assert.ok(listing.asked.length <= leavesOfFolder.length + 1 + innerOfFolder.length);
    assert.ok(innerOfFolder.length <= 8);
  });

  it('pages through a scan', async () => {
    const content = manyPairs(3_000);
    const { source, root } = await storedMap(content);
    const keys: Uint8Array[] = [];
    for (let after: Uint8Array | undefined; ; after = keys.at(-1)) {
      const page: Uint8Array[] = [];
      for await (const [key] of mapScan(source, root, after === undefined ? {} : { after })) {
        page.push(key);
        if (page.length === 700) break;
      }
      keys.push(...page);
      if (page.length < 700) break;
    }
    assert.deepEqual(
      keys,
      sortedItems(content).map(({ key }) => key),
    );
  });

  it('refuses well-hashed nodes that do not fit their parent', async () => {
    const value = Uint8Array.of(1);
    const leafOf = (...keys: readonly string[]) =>
      encodeMapNode({ level: 0, keys: keys.map((key) => utf8(key)), values: keys.map(() => value) });
    const readUnder = async (separators: readonly string[], children: readonly Uint8Array[]) => {
      const values = children.map((bytes) => mapNodeHash(bytes));
      const top = encodeMapNode({ level: 1, keys: separators.map((key) => utf8(key)), values });
      const nodes = new Map([top, ...children].map((bytes) => [mapNodeDigest(bytes), bytes] as const));
      return collect(mapScan(new MemoryNodeSource(nodes), mapNodeDigest(top)));
    };
    const malformed = (error: unknown) => isTidemarkError(error, 'malformed');
    assert.equal((await readUnder(['b', 'd'], [leafOf('a', 'b'), leafOf('c', 'd')])).length, 4);
    await assert.rejects(readUnder(['b', 'e'], [leafOf('a', 'b'), leafOf('c', 'd')]), malformed);
    await assert.rejects(readUnder(['b', 'd'], [leafOf('a', 'b'), leafOf('b', 'd')]), malformed);
    await assert.rejects(readUnder(['b', 'd'], [leafOf('a', 'b'), emptyMapNode]), malformed);
    const inner = encodeMapNode({ level: 1, keys: [utf8('d')], values: [mapNodeHash(leafOf('d'))] });
    await assert.rejects(readUnder(['b', 'd'], [leafOf('a', 'b'), inner]), malformed);
  });

  it('refuses a node that is not the one asked for', async () => {
    const { source, root } = await storedMap(manyPairs(500));
    const lying: NodeSource = { getNodes: (hashes) => source.getNodes(hashes.map(() => root)) };
    await assert.rejects(collect(mapScan(lying, root)), (error) => isTidemarkError(error, 'corrupt'));
    const short: NodeSource = { getNodes: () => Promise.resolve([]) };
    await assert.rejects(mapGet(short, root, utf8('a')), (error) => isTidemarkError(error, 'corrupt'));
  });

  it('reads edits on edits through an overlay', async () => {
    const { source, root } = await storedMap(manyPairs(2_000));
    const first = await mapApply(source, root, [{ key: utf8('new'), value: utf8('1') }]);
    const upper = new MemoryNodeSource(first.nodes);
    const counting = new CountingSource(source);
    const overlay = new OverlayNodeSource(upper, counting);
    assert.deepEqual(await mapGet(overlay, first.root, utf8('new')), utf8('1'));
    assert.equal(counting.calls, 0);
    const key = editsToBuild(manyPairs(2_000))[0]!.key;
    assert.ok((await mapGet(overlay, first.root, key)) !== undefined);
    assert.equal(upper.has(root), false);
    assert.ok(counting.asked.every((hash) => !upper.has(hash)));
  });
});
