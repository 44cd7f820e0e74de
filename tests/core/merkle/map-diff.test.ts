import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, compareBytes, utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { type MapDifference, mapDiff } from '../../../shared/core/merkle/map-diff.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import {
  type Content,
  CountingSource,
  anyContent,
  anyEdits,
  buildByTheBook,
  collect,
  contentAfter,
  editsToBuild,
  manyPairs,
  storedMap,
} from './map-model.ts';

function differencesByTheBook(before: Content, after: Content): MapDifference[] {
  const all = new Map([...before, ...after]);
  return editsToBuild(all)
    .map(({ key }) => ({ key, before: before.get(bytesToHex(key)), after: after.get(bytesToHex(key)) }))
    .filter(({ before, after }) => before === undefined || after === undefined || compareBytes(before, after) !== 0);
}

/** Diffs through a counting source, and checks that nothing is read but nodes of one map only, each once, and the roots. */
async function diffChecked(before: Content, after: Content): Promise<MapDifference[]> {
  const old = buildByTheBook(before);
  const young = buildByTheBook(after);
  const counting = new CountingSource(new MemoryNodeSource(new Map([...old.nodes, ...young.nodes])));
  const found = await collect(mapDiff(counting, old.root, young.root));
  assert.equal(new Set(counting.asked).size, counting.asked.length);
  for (const hash of counting.asked) {
    const shared = old.nodes.has(hash) && young.nodes.has(hash);
    assert.ok(!shared || hash === old.root || hash === young.root, 'a shared node is not read');
  }
  return found;
}

describe('the difference of two Merkle maps', () => {
  it('is that of their contents, in key order, and reads no shared node', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, anyContent, async (before, after) => {
        const found = await diffChecked(before, after);
        assert.deepEqual(found, differencesByTheBook(before, after));
      }),
      { numRuns: 150 },
    );
  });

  it('between a map and its edited self is what the edits changed', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, anyEdits, async (before, edits) => {
        const after = contentAfter(before, edits);
        const found = await diffChecked(before, after);
        assert.deepEqual(found, differencesByTheBook(before, after));
      }),
      { numRuns: 150 },
    );
  });

  it('applied to the one gives the other', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, anyContent, async (before, after) => {
        const { source, root } = await storedMap(before);
        const target = await mapApply(source, emptyMapRoot, editsToBuild(after));
        source.add(target.nodes);
        const found = await collect(mapDiff(source, root, target.root));
        const forth = found.map(({ key, after }) => ({ key, value: after ?? null }));
        const back = found.map(({ key, before }) => ({ key, value: before ?? null }));
        assert.equal((await mapApply(source, root, forth)).root, target.root);
        assert.equal((await mapApply(source, target.root, back)).root, root);
      }),
      { numRuns: 100 },
    );
  });

  it('costs at most a node of each side for each edit and level, and one call a level', async () => {
    const before = manyPairs(30_000);
    const { source, root } = await storedMap(before);
    const { levels } = buildByTheBook(before);
    const chosen = editsToBuild(before).filter((_, i) => i % 3_000 === 17);
    const edits = chosen.map(
      ({ key }, i) =>
        [
          { key, value: null },
          { key, value: utf8('changed') },
          { key: Uint8Array.from([...key, 1]), value: utf8('added') },
        ][i % 3]!,
    );
    const applied = await mapApply(source, root, edits);
    source.add(applied.nodes);
    const counting = new CountingSource(source);
    const found = await collect(mapDiff(counting, root, applied.root));
    assert.equal(found.length, edits.length);
    assert.ok(counting.asked.length <= 2 * (edits.length + 1) * levels, `${counting.asked.length} nodes`);
    assert.equal(counting.calls, levels);
    const same = new CountingSource(source);
    assert.deepEqual(await collect(mapDiff(same, root, root)), []);
    assert.equal(same.calls, 0);
  });

  it('runs over many windows when everything differs, on one side or on both', async () => {
    const before = manyPairs(8_000);
    const after = manyPairs(8_000, 1);
    const half = new Map([...before].filter((_, i) => i < 4_000));
    for (const [a, b] of [
      [before, new Map()],
      [new Map(), before],
      [before, after],
      [half, after],
      [half, before],
    ] as const) {
      const found = await diffChecked(a, b);
      const readable = ({ key, before, after }: MapDifference) =>
        [key, before, after].map((bytes) => bytes && bytesToHex(bytes)).join();
      const expected = differencesByTheBook(a, b).map(readable);
      assert.equal(found.length, expected.length);
      assert.equal(
        found.findIndex((difference, i) => readable(difference) !== expected[i]),
        -1,
      );
    }
  });

  it('refuses a source without the nodes', async () => {
    const { root } = await storedMap(new Map([[bytesToHex(utf8('a')), utf8('1')]]));
    await assert.rejects(collect(mapDiff(new MemoryNodeSource(), emptyMapRoot, root)), (error) =>
      isTidemarkError(error, 'corrupt'),
    );
  });
});
