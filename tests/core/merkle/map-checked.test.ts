/** Sources that keep decoded nodes: the same results, each node asked for once, and nothing believed that does not fit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { Digest } from '../../../shared/core/ids.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { type MapNode, emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { mapGetMany } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';

const keyOf = (n: number): Uint8Array => utf8(`key-${String(n).padStart(6, '0')}`);

async function mapOf(count: number): Promise<{ readonly source: MemoryNodeSource; readonly root: Digest }> {
  const source = new MemoryNodeSource();
  const edits = Array.from({ length: count }, (_, n) => ({ key: keyOf(n), value: utf8(`value ${n}`) }));
  const { root, nodes } = await mapApply(source, emptyMapRoot, edits);
  source.add(nodes);
  return { source, root };
}

/** Counts how often each node is asked for; `forgetful` lets go of everything at each question. */
function keeping(source: NodeSource, forgetful: boolean): NodeSource & { readonly asked: Map<Digest, number> } {
  const checked = new Map<Digest, MapNode>();
  const asked = new Map<Digest, number>();
  return {
    checked,
    asked,
    getNodes: (hashes) => {
      if (forgetful) checked.clear();
      for (const hash of hashes) asked.set(hash, (asked.get(hash) ?? 0) + 1);
      return source.getNodes(hashes);
    },
  };
}

test('reads and changes through kept nodes give what they give without, and ask for each node once', async () => {
  const { source, root } = await mapOf(3_000);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(4_000), { minLength: 1, maxLength: 60 }),
      fc.boolean(),
      async (numbers, forgetful) => {
        const sorted = numbers.toSorted((a, b) => a - b);
        const keys = sorted.map(keyOf);
        const edits = sorted.map((n) => ({ key: keyOf(n), value: n % 3 === 0 ? null : utf8(`new ${n}`) }));
        const kept = keeping(source, forgetful);
        assert.deepEqual(await mapGetMany(kept, root, keys), await mapGetMany(source, root, keys));
        assert.deepEqual(await mapApply(kept, root, edits), await mapApply(source, root, edits));
        if (!forgetful) assert.deepEqual([...new Set(kept.asked.values())], [1]);
      },
    ),
    { numRuns: 60 },
  );
});

test('a kept node is refused where it does not stand in its place', async () => {
  const { source, root } = await mapOf(3_000);
  const kept = keeping(source, false);
  await mapGetMany(kept, root, [keyOf(1), keyOf(2_000)]);
  const top = kept.checked!.get(root)!;
  const [low, high] = [top.values[0]!, top.values.at(-1)!];
  // A root that names its last child where its first should be: the hash is that child's own, the place is not.
  kept.checked!.set(root, { ...top, values: [high, ...top.values.slice(1, -1), low] });
  await assert.rejects(mapGetMany(kept, root, [keyOf(1)]), (error) => isTidemarkError(error, 'malformed'));
});
