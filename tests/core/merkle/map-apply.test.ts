import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, compareBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { Digest } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type MapEdit, mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { decodeMapNode } from '../../../shared/core/merkle/map-node.ts';
import { mapKeyRank } from '../../../shared/core/merkle/map-rank.ts';
import { emptyMapNode, emptyMapRoot } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import {
  type Content,
  CountingSource,
  anyContent,
  anyEdits,
  buildByTheBook,
  contentAfter,
  editsToBuild,
  manyPairs,
  rankedKeys,
  storedMap,
} from './map-model.ts';

/** Applies, and checks what must hold of every application: the root is the oracle's, and the new nodes are exact. */
async function applyChecked(source: MemoryNodeSource, root: Digest, before: Content, edits: readonly MapEdit[]) {
  const counting = new CountingSource(source);
  const applied = await mapApply(counting, root, edits);
  const expected = buildByTheBook(contentAfter(before, edits));
  assert.equal(applied.root, expected.root);
  for (const [hash, bytes] of applied.nodes) {
    assert.ok(!counting.asked.includes(hash), 'a node that was read is not new');
    assert.deepEqual(bytes, Uint8Array.from(expected.nodes.get(hash) ?? []), 'a new node is a node of the new map');
  }
  if (applied.root === root) assert.equal(applied.nodes.size, 0);
  source.add(applied.nodes);
  for (const hash of expected.nodes.keys()) {
    assert.ok(source.has(hash) || hash === emptyMapRoot, 'old and new nodes together hold the new map');
  }
  return { root: applied.root, content: contentAfter(before, edits), calls: counting.calls, levels: expected.levels };
}

describe('applying edits to the Merkle map', () => {
  it('gives the root and nodes of building from nothing, after any history', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, fc.array(anyEdits, { maxLength: 6 }), async (content, batches) => {
        let state = { root: (await storedMap(content)).root, content };
        const { source } = await storedMap(content);
        assert.equal(state.root, buildByTheBook(content).root);
        for (const edits of batches) state = await applyChecked(source, state.root, state.content, edits);
      }),
      { numRuns: 300 },
    );
  });

  it('gives one root whatever the order and batching of the same edits', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, fc.infiniteStream(fc.nat()), async (content, random) => {
        const shuffled = editsToBuild(content)
          .map((edit) => ({ edit, place: random.next().value ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map(({ edit }) => edit);
        const source = new MemoryNodeSource();
        let root = emptyMapRoot;
        for (let at = 0; at < shuffled.length;) {
          const end = at + 1 + ((random.next().value ?? 0) % 7);
          const batch = shuffled.slice(at, end).sort((a, b) => compareBytes(a.key, b.key));
          const applied = await mapApply(source, root, batch);
          source.add(applied.nodes);
          root = applied.root;
          at = end;
        }
        assert.equal(root, buildByTheBook(content).root);
      }),
      { numRuns: 100 },
    );
  });

  it('takes any one key out of a tree of four levels, and puts it back', async () => {
    const content = new Map(rankedKeys.map((key) => [bytesToHex(key), utf8('v')]));
    const { source, root } = await storedMap(content);
    assert.ok(buildByTheBook(content).levels >= 4);
    for (const key of rankedKeys) {
      const without = await applyChecked(source, root, content, [{ key, value: null }]);
      const again = await applyChecked(source, without.root, without.content, [{ key, value: utf8('v') }]);
      assert.equal(again.root, root);
    }
  });

  it('shrinks to nothing key by key, from either end, and in one batch', async () => {
    const content = new Map(rankedKeys.map((key) => [bytesToHex(key), utf8('v')]));
    for (const order of [rankedKeys, rankedKeys.toReversed()]) {
      const { source, root } = await storedMap(content);
      let state: { root: Digest; content: Content } = { root, content };
      for (const key of order) state = await applyChecked(source, state.root, state.content, [{ key, value: null }]);
      assert.equal(state.root, emptyMapRoot);
    }
    const { source, root } = await storedMap(content);
    const applied = await mapApply(
      source,
      root,
      rankedKeys.map((key) => ({ key, value: null })),
    );
    assert.deepEqual([...applied.nodes], [[emptyMapRoot, emptyMapNode]]);
    assert.equal(applied.root, emptyMapRoot);
  });

  it('keeps one of a boundary and its neighbours, so that the height falls to where the rest of the tree was not read', async () => {
    const content = new Map(rankedKeys.map((key) => [bytesToHex(key), utf8('v')]));
    const { source, root } = await storedMap(content);
    for (const kept of rankedKeys) {
      const edits = rankedKeys.filter((key) => key !== kept).map((key) => ({ key, value: null }));
      await applyChecked(source, root, content, edits);
    }
    for (let from = 0; from < rankedKeys.length; from += 3) {
      const edits = rankedKeys.slice(from).map((key) => ({ key, value: null }));
      await applyChecked(source, root, content, edits);
    }
  });

  it('changes nothing for edits without effect', async () => {
    const content = manyPairs(2_000);
    const { source, root } = await storedMap(content);
    const present = editsToBuild(content).slice(100, 120);
    const absent = present.map(({ key }) => ({ key: Uint8Array.from([...key, 1]), value: null }));
    const edits = [...present, ...absent].sort((a, b) => compareBytes(a.key, b.key));
    const applied = await mapApply(source, root, edits);
    assert.equal(applied.root, root);
    assert.equal(applied.nodes.size, 0);
    assert.equal((await mapApply(source, root, [])).root, root);
    assert.equal((await mapApply(source, emptyMapRoot, [{ key: utf8('a'), value: null }])).root, emptyMapRoot);
  });

  it('builds 100,000 keys in batches as in one, and asks once a level', async () => {
    const content = manyPairs(100_000);
    const expected = buildByTheBook(content);
    assert.ok(expected.levels >= 3);
    const edits = editsToBuild(content);
    const { source, root } = await storedMap(content);
    assert.equal(root, expected.root);
    assert.equal(source.size, expected.nodes.size);

    const interleaved = new MemoryNodeSource();
    let state = emptyMapRoot;
    for (let part = 0; part < 5; part++) {
      const batch = edits.filter((_, i) => (i * 31) % 5 === part);
      const applied = await mapApply(interleaved, state, batch);
      interleaved.add(applied.nodes);
      state = applied.root;
    }
    assert.equal(state, expected.root);

    const some = edits.filter((_, i) => i % 100 === 7).map(({ key }) => ({ key, value: null }));
    const changed = await applyChecked(source, root, content, some);
    assert.equal(changed.calls, expected.levels);
    const back = edits.filter((_, i) => i % 100 === 7);
    assert.equal((await applyChecked(source, changed.root, changed.content, back)).root, root);
  });

  it('reads only the path of a single edit', async () => {
    const content = manyPairs(10_000);
    const { source, root } = await storedMap(content);
    const { levels } = buildByTheBook(content);
    const inLeaf = editsToBuild(content).find(({ key }) => mapKeyRank(key) === 0)!;
    const counting = new CountingSource(source);
    const applied = await mapApply(counting, root, [{ key: inLeaf.key, value: utf8('other') }]);
    assert.equal(counting.asked.length, levels);
    assert.equal(applied.nodes.size, levels);
  });

  it('refuses edits that do not ascend or are over a limit', async () => {
    const source = new MemoryNodeSource();
    const value = utf8('v');
    const refused = async (edits: readonly MapEdit[], code: 'malformed' | 'too-large') =>
      assert.rejects(mapApply(source, emptyMapRoot, edits), (error) => isTidemarkError(error, code));
    await refused(
      [
        { key: utf8('b'), value },
        { key: utf8('a'), value },
      ],
      'malformed',
    );
    await refused(
      [
        { key: utf8('a'), value },
        { key: utf8('a'), value: null },
      ],
      'malformed',
    );
    await refused([{ key: new Uint8Array(limits.mapKeyBytesMax + 1), value }], 'too-large');
    await refused([{ key: utf8('a'), value: new Uint8Array(limits.mapValueBytesMax + 1) }], 'too-large');
    const full = { key: new Uint8Array(limits.mapKeyBytesMax), value: new Uint8Array(limits.mapValueBytesMax) };
    assert.equal((await mapApply(source, emptyMapRoot, [full])).nodes.size, 1);
  });

  it('refuses a node of more items than a reader takes', async () => {
    const edits: MapEdit[] = [];
    for (let i = 0; edits.length <= limits.mapNodeItemsMax; i++) {
      const key = utf8(`n${String(i).padStart(6, '0')}`);
      if (mapKeyRank(key) === 0) edits.push({ key, value: utf8('v') });
    }
    const source = new MemoryNodeSource();
    await assert.rejects(mapApply(source, emptyMapRoot, edits), (error) => isTidemarkError(error, 'too-large'));
    const { root, nodes } = await mapApply(source, emptyMapRoot, edits.slice(1));
    assert.equal(decodeMapNode(nodes.get(root)!).keys.length, limits.mapNodeItemsMax);
  });

  it('refuses missing and altered nodes', async () => {
    const content = manyPairs(2_000);
    const { root } = await storedMap(content);
    const edit = { key: editsToBuild(content)[1_000]!.key, value: null };
    const corrupt = (error: unknown) => isTidemarkError(error, 'corrupt');
    await assert.rejects(mapApply(new MemoryNodeSource(), root, [edit]), corrupt);
    const altered = new Map<Digest, Uint8Array>();
    for (const [hash, bytes] of buildByTheBook(content).nodes) altered.set(hash, bytes.toReversed());
    await assert.rejects(mapApply(new MemoryNodeSource(altered), root, [edit]), corrupt);
  });
});
