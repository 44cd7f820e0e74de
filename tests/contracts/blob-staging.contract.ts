/**
 * Staged blobs, promotion, tiers and bulk deletes: the rest of shared/ports/blob-store.ts. Everything here holds on Azure too:
 * ids of blocks are base64 of 32 bytes, and all ids of one blob have one length.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex, utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { type BlobStore, accessTiers } from '../../shared/ports/blob-store.ts';
import type { BlobStoreUnderTest, MakeBlobStore } from './blob-store.contract.ts';
import { collect, listAll } from './collect.ts';

type Fetch = BlobStoreUnderTest['fetch'];

const name = '000000000000000000000000000000aa/000000000000000000000000000000bb/1f2e';

function idOf(text: string): string {
  return Buffer.from(blake3(utf8(text))).toString('base64');
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

function stage(url: string, text: string, fetch: Fetch, id = idOf(text)): Promise<number> {
  const target = `${url}&comp=block&blockid=${encodeURIComponent(id)}`;
  return statusOf(fetch(target, { method: 'PUT', body: utf8(text) }));
}

function commit(url: string, texts: readonly string[], fetch: Fetch): Promise<number> {
  const blocks = texts.map((text) => `<Latest>${idOf(text)}</Latest>`).join('');
  const body = utf8(`<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks}</BlockList>`);
  const headers = { 'content-type': 'application/xml' };
  return statusOf(fetch(`${url}&comp=blocklist`, { method: 'PUT', headers, body }));
}

/** Id, as hex, to length. */
async function uncommitted(store: BlobStore): Promise<ReadonlyMap<string, number>> {
  const staged = await store.staged(name);
  return new Map(staged?.uncommitted.map((block) => [bytesToHex(block.id), block.length]));
}

function blocks(...texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map(texts.map((text) => [bytesToHex(blake3(utf8(text))), text.length]));
}

/** Makes `text` the staged blob. @returns its ETag. */
async function stageWhole({ store, fetch }: BlobStoreUnderTest, text: string): Promise<string> {
  const url = await store.stageUrl(name, 60);
  assert.equal(await stage(url, text, fetch), 201);
  assert.equal(await commit(url, [text], fetch), 201);
  const committed = (await store.staged(name))?.committed;
  assert.ok(committed);
  return committed.etag;
}

function testsOfBlocks(make: MakeBlobStore): void {
  test('staged blocks are told, and are no blob before a list makes one of them', async (t) => {
    const { store, fetch } = await make(t);
    assert.equal(await store.staged(name), undefined);
    const url = await store.stageUrl(name, 60);
    for (const text of ['first', 'second block', 'third']) assert.equal(await stage(url, text, fetch), 201);
    assert.deepEqual(await uncommitted(store), blocks('first', 'second block', 'third'));
    assert.equal((await store.staged(name))?.committed, undefined);
    assert.equal(await store.head('staging', name), undefined);
    assert.equal(await store.get('staging', name), undefined);
    assert.deepEqual(await listAll(store, 'staging', ''), []);
  });

  test('a list makes the blob, in its order, and discards the blocks that it does not name', async (t) => {
    const { store, fetch } = await make(t);
    const url = await store.stageUrl(name, 60);
    for (const text of ['b', 'left out', 'a', 'c']) assert.equal(await stage(url, text, fetch), 201);
    assert.equal(await commit(url, ['a', 'b', 'c', 'a'], fetch), 201);
    assert.deepEqual(await store.get('staging', name), utf8('abca'));
    const staged = await store.staged(name);
    assert.deepEqual(staged?.uncommitted, []);
    assert.deepEqual(staged?.committed, await store.head('staging', name));
    assert.deepEqual(await listAll(store, 'staging', ''), [name]);
  });

  test('a block that is staged again replaces the one of its id', async (t) => {
    const { store, fetch } = await make(t);
    const url = await store.stageUrl(name, 60);
    assert.equal(await stage(url, 'torn', fetch, idOf('whole block')), 201);
    assert.equal(await stage(url, 'whole block', fetch), 201);
    assert.deepEqual(await uncommitted(store), blocks('whole block'));
    assert.equal(await commit(url, ['whole block'], fetch), 201);
    assert.deepEqual(await store.get('staging', name), utf8('whole block'));
  });

  test('a list with a block that was never staged is refused and changes nothing', async (t) => {
    const { store, fetch } = await make(t);
    const url = await store.stageUrl(name, 60);
    assert.equal(await stage(url, 'here', fetch), 201);
    assert.equal(await commit(url, ['here', 'nowhere'], fetch), 400);
    assert.deepEqual(await uncommitted(store), blocks('here'));
    assert.equal((await store.staged(name))?.committed, undefined);
  });

  test('a body that is no list is refused', async (t) => {
    const { store, fetch } = await make(t);
    const url = await store.stageUrl(name, 60);
    assert.equal(await stage(url, 'here', fetch), 201);
    const body = utf8('<BlockList><Latest>');
    assert.equal(await statusOf(fetch(`${url}&comp=blocklist`, { method: 'PUT', body })), 400);
    assert.deepEqual(await uncommitted(store), blocks('here'));
  });

  test('a second list makes another incarnation', async (t) => {
    const made = await make(t);
    const first = await stageWhole(made, 'first');
    const second = await stageWhole(made, 'second');
    assert.notEqual(first, second);
    assert.deepEqual(await made.store.get('staging', name), utf8('second'));
    assert.equal(await made.store.deleteIfMatch('staging', name, first), 'changed');
    assert.equal(await made.store.deleteIfMatch('staging', name, second), 'deleted');
    assert.equal((await made.store.staged(name))?.committed, undefined);
  });
}

function testsOfStageUrls(make: MakeBlobStore): void {
  test('a stage URL neither reads nor deletes, and touches no other blob or container', async (t) => {
    const made = await make(t);
    const { store, fetch } = made;
    await stageWhole(made, 'staged');
    await store.put('staging', `${name}0`, utf8('other'));
    await store.put('chunks', name, utf8('chunk'));
    const url = await store.stageUrl(name, 60);
    assert.equal(await statusOf(fetch(url)), 403);
    assert.equal(await statusOf(fetch(url, { method: 'HEAD' })), 403);
    assert.ok((await statusOf(fetch(`${url}&comp=blocklist&blocklisttype=all`))) >= 400);
    assert.ok((await statusOf(fetch(url, { method: 'DELETE' }))) >= 400);
    for (const elsewhere of [url.replace('1f2e', '1f2e0'), url.replace('/staging/', '/chunks/')]) {
      assert.equal(await stage(elsewhere, 'x', fetch), 403);
      assert.equal(await commit(elsewhere, [], fetch), 403);
    }
    assert.deepEqual(await store.get('staging', name), utf8('staged'));
    assert.deepEqual(await store.get('staging', `${name}0`), utf8('other'));
    assert.deepEqual(await store.get('chunks', name), utf8('chunk'));
  });

  test('neither a create URL nor a read URL stages anything', async (t) => {
    const { store, fetch } = await make(t);
    for (const container of ['chunks', 'staging'] as const) {
      for (const url of [await store.createUrl(container, name, 60), await store.readUrl(container, name, 60)]) {
        assert.equal(await stage(url, 'x', fetch), 403);
        assert.ok((await commit(url, ['x'], fetch)) >= 400);
      }
    }
    assert.equal((await store.staged(name))?.committed, undefined);
    assert.equal(await store.head('chunks', name), undefined);
  });

  test('a stage URL ends with its time', async (t) => {
    const { store, fetch, advance } = await make(t);
    if (advance === undefined) return t.skip('this store keeps its own time');
    const url = await store.stageUrl(name, 60);
    advance(59_000);
    assert.equal(await stage(url, 'x', fetch), 201);
    advance(2_000);
    assert.equal(await stage(url, 'y', fetch), 403);
    assert.equal(await commit(url, ['x'], fetch), 403);
    assert.deepEqual(await uncommitted(store), blocks('x'));
  });
}

function testsOfPromotion(make: MakeBlobStore): void {
  test('promote copies the staged blob once, and never over another', async (t) => {
    const made = await make(t);
    const { store } = made;
    const etag = await stageWhole(made, 'pack');
    assert.equal(await store.promote(name, etag, 'w/a.blob'), 'created');
    assert.deepEqual(await store.get('chunks', 'w/a.blob'), utf8('pack'));
    assert.equal((await store.head('chunks', 'w/a.blob'))?.length, 4);
    assert.deepEqual(await store.get('staging', name), utf8('pack'), 'the staged blob stays');
    const before = await store.head('chunks', 'w/a.blob');
    const other = await stageWhole(made, 'other');
    assert.equal(await store.promote(name, other, 'w/a.blob'), 'exists');
    assert.deepEqual(await store.head('chunks', 'w/a.blob'), before);
    assert.deepEqual(await store.get('chunks', 'w/a.blob'), utf8('pack'));
  });

  test('promote takes only the incarnation that it names', async (t) => {
    const made = await make(t);
    const { store } = made;
    assert.equal(await store.promote(name, 'x', 'w/a.blob'), 'missing');
    const old = await stageWhole(made, 'old');
    await stageWhole(made, 'new');
    assert.equal(await store.promote(name, old, 'w/a.blob'), 'missing');
    assert.equal(await store.head('chunks', 'w/a.blob'), undefined);
  });

  test('a name that is promoted to anew is another incarnation', async (t) => {
    const made = await make(t);
    const { store } = made;
    const etag = await stageWhole(made, 'pack');
    assert.equal(await store.promote(name, etag, 'w/a.blob'), 'created');
    const first = (await store.head('chunks', 'w/a.blob'))!;
    assert.equal(await store.moveIfMatch('chunks', 'w/a.blob', first.etag, 'quarantine'), 'moved');
    assert.equal(await store.promote(name, etag, 'w/a.blob'), 'created');
    assert.notEqual((await store.head('chunks', 'w/a.blob'))?.etag, first.etag);
    assert.equal(await store.deleteIfMatch('chunks', 'w/a.blob', first.etag), 'changed');
  });

  test('of racing promotions and puts exactly one creates', async (t) => {
    const made = await make(t);
    const { store } = made;
    const etag = await stageWhole(made, 'staged');
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        i % 2 === 0 ? store.promote(name, etag, 'w/a.blob') : store.put('chunks', 'w/a.blob', utf8('put')),
      ),
    );
    assert.deepEqual(results.toSorted(), ['created', ...Array<string>(7).fill('exists')]);
    const expected = results.indexOf('created') % 2 === 0 ? 'staged' : 'put';
    assert.deepEqual(await store.get('chunks', 'w/a.blob'), utf8(expected));
  });
}

function testsOfUpkeep(make: MakeBlobStore): void {
  test('deleteMany deletes what is there of some names, in that container', async (t) => {
    const { store } = await make(t);
    for (const blob of ['w/a', 'w/b', 'w/c', 'd']) await store.put('staging', blob, utf8(blob));
    await store.put('chunks', 'w/a', utf8('stays'));
    await store.deleteMany('staging', ['w/a', 'w/none', 'd', 'w/a']);
    await store.deleteMany('staging', []);
    assert.deepEqual(await listAll(store, 'staging', ''), ['w/b', 'w/c']);
    assert.deepEqual(await listAll(store, 'chunks', ''), ['w/a']);
    await assert.rejects(store.deleteMany('staging', ['w/b', '../w/c']), (error) =>
      isTidemarkError(error, 'malformed'),
    );
    assert.deepEqual(await listAll(store, 'staging', ''), ['w/b', 'w/c']);
  });

  test('listBlobs tells properties, in order, after a name', async (t) => {
    const { store } = await make(t);
    const names = ['a-b', 'a.b', 'a/b', 'a/c/d', 'a/c/e', 'a0', 'b'].toSorted();
    for (const blob of names) await store.put('chunks', blob, utf8(blob));
    for (const prefix of ['', 'a', 'a/', 'a/c/', 'z']) {
      for (const after of [undefined, '', 'a', 'a-', 'a/', 'a/b', 'a/c', 'a/c/d', 'a/c/z', 'a/d', 'a0', 'zz']) {
        const listed = await collect(store.listBlobs('chunks', prefix, after));
        const expected = names.filter((blob) => blob.startsWith(prefix) && blob > (after ?? ''));
        assert.deepEqual(
          listed.map((blob) => blob.name),
          expected,
          `prefix ${prefix}, after ${after}`,
        );
        for (const { name: blob, ...properties } of listed) {
          assert.deepEqual(properties, await store.head('chunks', blob));
        }
      }
    }
  });

  test('setTier moves a blob, which stays the incarnation that it is', async (t) => {
    const { store } = await make(t);
    assert.equal(await store.setTier('chunks', 'w/a', 'cool'), 'missing');
    await store.put('chunks', 'w/a', utf8('bytes'));
    const before = await store.head('chunks', 'w/a');
    assert.equal(before?.tier, 'hot');
    for (const tier of ['cool', 'cool', 'cold', 'hot'] as const) {
      assert.equal(await store.setTier('chunks', 'w/a', tier), 'set');
      assert.deepEqual(await store.head('chunks', 'w/a'), { ...before, tier });
      assert.deepEqual(await store.get('chunks', 'w/a'), utf8('bytes'));
    }
    assert.equal(accessTiers.length, 4);
  });

  test('an archived blob is there, and cannot be read', async (t) => {
    const { store, fetch } = await make(t);
    await store.put('chunks', 'w/a', utf8('bytes'));
    assert.equal(await store.setTier('chunks', 'w/a', 'archive'), 'set');
    const properties = await store.head('chunks', 'w/a');
    assert.equal(properties?.tier, 'archive');
    const isBusy = (error: unknown) => isTidemarkError(error, 'busy');
    await assert.rejects(store.get('chunks', 'w/a'), isBusy);
    await assert.rejects(async () => {
      for await (const piece of (await store.open('chunks', 'w/a'))?.pieces ?? []) assert.fail(`${piece.length} bytes`);
    }, isBusy);
    assert.equal(await statusOf(fetch(await store.readUrl('chunks', 'w/a', 60))), 409);
    assert.equal(await store.put('chunks', 'w/a', utf8('other')), 'exists');
    assert.equal(await store.deleteIfMatch('chunks', 'w/a', properties?.etag ?? ''), 'deleted');
  });
}

export function blobStagingContract(make: MakeBlobStore): void {
  testsOfBlocks(make);
  testsOfStageUrls(make);
  testsOfPromotion(make);
  testsOfUpkeep(make);
}
