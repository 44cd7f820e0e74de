import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { compareBytes } from '../../shared/core/bytes.ts';
import { type NodeId, bytesToNodeId, rootNodeId } from '../../shared/core/ids.ts';
import { mapApply } from '../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { deriveMapEdits } from '../../shared/core/tree/derive-edits.ts';
import { encodeEntry } from '../../shared/core/tree/entry.ts';
import { entryKey, placeKey, placeToValue } from '../../shared/core/tree/keys.ts';
import type { TreeEdit } from '../../shared/core/wire/journal-entry.ts';

/** A tree as a test has it: which node stands under which name, all in the root folder. */
type Names = ReadonlyMap<string, NodeId>;

const nodeIds = Array.from({ length: 12 }, (_, i) => bytesToNodeId(new Uint8Array(16).fill(i + 1)));
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Some names, each with a node of its own. */
const someNames: fc.Arbitrary<Names> = fc
  .tuple(fc.subarray(names), fc.shuffledSubarray(nodeIds, { minLength: names.length }))
  .map(([chosen, ids]) => new Map(chosen.map((name, i) => [name, ids[i]!])));

function entryOf(nodeId: NodeId, mtimeMs = 0): Uint8Array {
  return encodeEntry({ kind: 'folder', nodeId, version: [], mtimeMs, mode: 0 });
}

const keyOf = (name: string): Uint8Array => entryKey({ parentId: rootNodeId, name });

/** The edits that lead from one to the other. */
function editsBetween(before: Names, after: Names): { edits: TreeEdit[]; old: (Uint8Array | undefined)[] } {
  const changed = names.filter((name) => before.get(name) !== after.get(name));
  const edits = changed
    .map((name) => ({ name, key: keyOf(name), nodeId: after.get(name) }))
    .sort((a, b) => compareBytes(a.key, b.key));
  return {
    edits: edits.map(({ key, nodeId }) => ({ key, value: nodeId === undefined ? null : entryOf(nodeId) })),
    old: edits.map(({ name }) => {
      const nodeId = before.get(name);
      return nodeId === undefined ? undefined : entryOf(nodeId);
    }),
  };
}

/** The root of the map with both keys of every node, built from nothing. */
async function rootOf(tree: Names): Promise<string> {
  const edits = [...tree].flatMap(([name, nodeId]) => [
    { key: keyOf(name), value: entryOf(nodeId) },
    { key: placeKey(nodeId), value: placeToValue({ parentId: rootNodeId, name }) },
  ]);
  edits.sort((a, b) => compareBytes(a.key, b.key));
  return (await mapApply(new MemoryNodeSource(), emptyMapRoot, edits)).root;
}

describe('deriveMapEdits', () => {
  it('leads to the map that has every node at its place, and no other, whatever moved, came and went', async () => {
    await fc.assert(
      fc.asyncProperty(someNames, someNames, async (before, after) => {
        const source = new MemoryNodeSource();
        let root = emptyMapRoot;
        for (const [from, to] of [
          [new Map<string, NodeId>(), before],
          [before, after],
        ] as const) {
          const { edits, old } = editsBetween(from, to);
          const applied = await mapApply(source, root, deriveMapEdits(edits, old));
          source.add(applied.nodes);
          root = applied.root;
        }
        assert.equal(root, await rootOf(after));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the place of a node that moved, and takes the place of one that went', () => {
    const [one, two] = nodeIds as [NodeId, NodeId];
    const edits = [
      { key: keyOf('a'), value: null },
      { key: keyOf('b'), value: entryOf(one) },
    ];
    const derived = deriveMapEdits(edits, [entryOf(one), entryOf(two)]);
    assert.deepEqual(derived.slice(2), [
      { key: placeKey(one), value: placeToValue({ parentId: rootNodeId, name: 'b' }) },
      { key: placeKey(two), value: null },
    ]);
  });

  it('derives nothing for a new entry of the node that stands there', () => {
    const edits = [{ key: keyOf('a'), value: entryOf(nodeIds[0]!, 5) }];
    assert.deepEqual(deriveMapEdits(edits, [entryOf(nodeIds[0]!)]), edits);
  });

  it('refuses a node at two places, other keys, and keys out of order', () => {
    const entry = entryOf(nodeIds[0]!);
    const both = [keyOf('a'), keyOf('b')].map((key) => ({ key, value: entry }));
    assert.throws(() => deriveMapEdits(both, [undefined, undefined]), { code: 'malformed' });
    assert.throws(() => deriveMapEdits(both, [entry, undefined]), { code: 'malformed' });
    assert.throws(() => deriveMapEdits([...both].reverse(), []), { code: 'malformed' });
    assert.throws(() => deriveMapEdits([{ key: placeKey(nodeIds[0]!), value: null }], []), { code: 'malformed' });
    assert.throws(() => deriveMapEdits([{ key: keyOf('a'), value: Uint8Array.of(1) }], []), { code: 'malformed' });
  });
});
