/** Pages of the journal are followed in parts, and nothing is lost or joined wrongly where they meet. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { partsOfPage } from '../../../client/agent/engine/page-parts.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { TreeEdit } from '../../../shared/core/wire/journal-entry.ts';
import { EngineWorld, settle } from './world.ts';

const editsOf = (count: number): readonly TreeEdit[] =>
  Array.from({ length: count }, () => ({ key: new Uint8Array(0), value: null }));

it('parts hold all entries in their order, as many at once as fit', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12), { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (counts, editsMax) => {
      const entries = counts.map((count, seq) => ({ seq, edits: editsOf(count) }));
      const parts = [...partsOfPage(entries, editsMax)];
      assert.deepEqual(parts.flat(), entries);
      const sizes = parts.map((part) => part.reduce((sum, { edits }) => sum + edits.length, 0));
      for (const [i, part] of parts.entries()) {
        assert.ok(part.length === 1 || (part.length > 1 && sizes[i]! <= editsMax));
        const next = parts[i + 1]?.[0];
        if (next !== undefined) assert.ok(sizes[i]! + next.edits.length > editsMax);
      }
    }),
  );
});

it('a page of large commits comes in by parts, each believed for itself', async () => {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  for (const from of [0, 2_600]) {
    for (let i = from; i < from + 2_600; i++) a!.folder.mkdir(`d${i}`);
    await a!.sync();
  }
  a!.folder.write('last', 'text');
  await a!.sync();
  const { seq } = a!.journal.meta.head;
  const { api } = b!;
  b!.api = {
    ...api,
    changes: async (...all) => {
      const page = await api.changes(...all);
      assert.equal(page.entries.at(-1)?.seq, seq);
      const entries = page.entries.map((entry) =>
        entry.seq === seq ? { ...entry, signature: new Uint8Array(64) } : entry,
      );
      return { ...page, entries };
    },
  };
  await assert.rejects(b!.sync(), (error) => isTidemarkError(error, 'bad-signature'));
  const followed = b!.journal.meta.head.seq;
  assert.ok(followed > 0 && followed < seq, `followed to ${followed} of ${seq}`);
  assert.deepEqual(b!.tree(), {});
  b!.api = api;
  assert.equal(Object.keys(await settle(a!, b!)).length, 5_201);
});
