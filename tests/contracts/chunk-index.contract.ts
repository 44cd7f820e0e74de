import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Digest, digestsToColumn } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import type { ChunkPlace } from '../../shared/ports/metadata-store.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import { digestOf, packOf, workspaceA, workspaceB } from './metadata-records.ts';

function columnOf(...texts: readonly string[]) {
  return digestsToColumn(texts.map(digestOf));
}

/** What is known of packs as such: records, pages, forgetting, sums. */
function packTests(make: MakeMetadataStore): void {
  test('recording a pack again renews its own record and adds what is not known', async (t) => {
    const { store } = await make(t);
    const pack = packOf('p', ['a', 'b']);
    await store.chunks.record(workspaceA, pack, 1);
    await store.chunks.record(workspaceA, { ...pack, storedBytes: 2_000, etag: 'another' }, 2);
    assert.deepEqual(await store.chunks.listPacks(workspaceA, null, 10), [
      { packId: pack.packId, storedBytes: 2_000, etag: 'another', recordedMs: 2 },
    ]);
    assert.deepEqual(await store.chunks.lookUp(workspaceA, columnOf('a', 'b')), pack.places);
    assert.deepEqual(await store.chunks.usage(workspaceA), { packs: 1, chunks: 2, storedBytes: 2_000 });
  });

  test('packs are listed by id, page by page, of one workspace', async (t) => {
    const { store } = await make(t);
    const names = Array.from({ length: 9 }, (_, n) => `pack ${n}`);
    for (const [n, name] of names.entries()) await store.chunks.record(workspaceA, packOf(name, [name]), n);
    await store.chunks.record(workspaceB, packOf('other', ['x']), 1);
    const sorted = names.map(digestOf).sort();
    for (const limit of [1, 4, 9, 100]) {
      const joined: Digest[] = [];
      for (;;) {
        const page = await store.chunks.listPacks(workspaceA, joined.at(-1) ?? null, limit);
        if (page.length === 0) break;
        assert.ok(page.length <= limit);
        joined.push(...page.map(({ packId }) => packId));
      }
      assert.deepEqual(joined, sorted);
    }
    const [first] = await store.chunks.listPacks(workspaceA, null, 1);
    const n = names.findIndex((name) => digestOf(name) === first?.packId);
    const expected = { packId: digestOf(names[n]!), storedBytes: 1_000, etag: `etag of ${names[n]!}`, recordedMs: n };
    assert.deepEqual(first, expected);
  });

  test('a pack that is forgotten takes its chunks with it, and comes back when it is recorded again', async (t) => {
    const { store } = await make(t);
    const [first, second] = [packOf('p', ['a', 'b']), packOf('q', ['b', 'c'])];
    for (const workspaceId of [workspaceA, workspaceB]) {
      for (const pack of [first, second]) await store.chunks.record(workspaceId, pack, 1);
    }
    await store.chunks.forgetPack(workspaceA, digestOf('unknown'));
    await store.chunks.forgetPack(workspaceA, first.packId);
    await store.chunks.forgetPack(workspaceA, first.packId);
    const expected = [undefined, undefined, second.places[1]];
    assert.deepEqual(await store.chunks.lookUp(workspaceA, columnOf('a', 'b', 'c')), expected);
    assert.deepEqual(await store.chunks.hasPacks(workspaceA, columnOf('p', 'q')), [false, true]);
    assert.deepEqual(await store.chunks.usage(workspaceA), { packs: 1, chunks: 1, storedBytes: 1_000 });
    assert.deepEqual(await store.chunks.usage(workspaceB), { packs: 2, chunks: 3, storedBytes: 2_000 });
    await store.chunks.record(workspaceA, second, 2);
    await store.chunks.record(workspaceA, first, 3);
    const again = await store.chunks.lookUp(workspaceA, columnOf('a', 'b', 'c'));
    assert.deepEqual(again, [first.places[0], second.places[0], second.places[1]]);
  });

  test('an unknown workspace has nothing', async (t) => {
    const { store } = await make(t);
    assert.deepEqual(await store.chunks.usage(workspaceA), { packs: 0, chunks: 0, storedBytes: 0 });
    assert.deepEqual(await store.chunks.listPacks(workspaceA, null, 10), []);
  });
}

export function chunkIndexContract(make: MakeMetadataStore): void {
  packTests(make);

  test('lookUp answers by place; nothing is known before it is recorded', async (t) => {
    const { store } = await make(t);
    const pack = packOf('p', ['a', 'b', 'c']);
    assert.deepEqual(await store.chunks.lookUp(workspaceA, columnOf('a', 'b')), [undefined, undefined]);
    await store.chunks.record(workspaceA, pack, 1);
    const found = await store.chunks.lookUp(workspaceA, columnOf('c', 'x', 'a', 'c'));
    assert.deepEqual(found, [pack.places[2], undefined, pack.places[0], pack.places[2]]);
    assert.deepEqual(await store.chunks.lookUp(workspaceA, columnOf()), []);
  });

  test('chunks and packs never cross workspaces', async (t) => {
    const { store } = await make(t);
    await store.chunks.record(workspaceA, packOf('p', ['a']), 1);
    assert.deepEqual(await store.chunks.lookUp(workspaceB, columnOf('a')), [undefined]);
    assert.deepEqual(await store.chunks.hasPacks(workspaceB, columnOf('p')), [false]);
    await store.chunks.record(workspaceB, packOf('q', ['a']), 1);
    assert.equal((await store.chunks.lookUp(workspaceA, columnOf('a')))[0]?.packId, digestOf('p'));
    assert.equal((await store.chunks.lookUp(workspaceB, columnOf('a')))[0]?.packId, digestOf('q'));
  });

  test('recording again changes nothing, and a known chunk keeps its place', async (t) => {
    const { store } = await make(t);
    const first = packOf('p', ['a', 'b']);
    const second = packOf('q', ['b', 'c', 'b']);
    await store.chunks.record(workspaceA, first, 1);
    await store.chunks.record(workspaceA, first, 2);
    await store.chunks.record(workspaceA, second, 3);
    const found = await store.chunks.lookUp(workspaceA, columnOf('a', 'b', 'c'));
    assert.deepEqual(found, [first.places[0], first.places[1], second.places[1]]);
    assert.deepEqual(await store.chunks.hasPacks(workspaceA, columnOf('q', 'r', 'p')), [true, false, true]);
  });

  test('a pack that does not fit its chunks is recorded not at all', async (t) => {
    const { store } = await make(t);
    const pack = packOf('p', ['a', 'b']);
    await assert.rejects(store.chunks.record(workspaceA, { ...pack, places: pack.places.slice(1) }, 1));
    const strange = { ...pack.places[1]!, packId: digestOf('other') };
    await assert.rejects(store.chunks.record(workspaceA, { ...pack, places: [pack.places[0]!, strange] }, 1));
    assert.deepEqual(await store.chunks.lookUp(workspaceA, columnOf('a', 'b')), [undefined, undefined]);
    assert.deepEqual(await store.chunks.hasPacks(workspaceA, columnOf('p')), [false]);
  });

  test('a full pack goes in, and one call looks up a full negotiation', async (t) => {
    const { store } = await make(t);
    const texts = Array.from({ length: limits.packChunksMax }, (_, i) => `chunk ${i}`);
    await store.chunks.record(workspaceA, packOf('p', texts), 1);
    const asked = columnOf(...texts, ...texts.map((text) => `not ${text}`));
    const found = await store.chunks.lookUp(workspaceA, asked);
    assert.equal(found.length, limits.sessionChunksMax);
    assert.ok(found.every((place, i) => (place !== undefined) === i < texts.length));
    assert.equal(found[8_000]?.offset, 8_000);
  });

  test('whatever packs come, each chunk is where its first pack has it', async (t) => {
    const { store } = await make(t);
    let round = 0;
    const chunk = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uniqueArray(chunk, { minLength: 1 }), { maxLength: 5 }), async (packs) => {
        round += 1;
        const expected = new Map<Digest, ChunkPlace>();
        for (const [n, chunks] of packs.entries()) {
          const texts = chunks.map((text) => `${round} ${text}`);
          const pack = packOf(`pack ${round} ${n}`, texts);
          await store.chunks.record(workspaceA, pack, n);
          for (const [i, text] of texts.entries()) {
            if (!expected.has(digestOf(text))) expected.set(digestOf(text), pack.places[i]!);
          }
        }
        const all = ['a', 'b', 'c', 'd', 'e'].map((text) => `${round} ${text}`);
        const found = await store.chunks.lookUp(workspaceA, columnOf(...all));
        assert.deepEqual(
          found,
          all.map((text) => expected.get(digestOf(text))),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('a second instance sees recorded packs', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    const pack = packOf('p', ['a']);
    await store.chunks.record(workspaceA, pack, 1);
    const second = await reopen();
    assert.deepEqual(await second.chunks.lookUp(workspaceA, columnOf('a')), pack.places);
    assert.deepEqual(await second.chunks.hasPacks(workspaceA, columnOf('p')), [true]);
  });
}
