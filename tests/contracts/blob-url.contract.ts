/** The URLs of a blob store, and what outlives the instance that made it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import type { BlobStoreUnderTest, MakeBlobStore } from './blob-store.contract.ts';
import { listAll } from './collect.ts';

const putHeaders = { 'x-ms-blob-type': 'BlockBlob' };

function put(url: string, body: string, fetch: BlobStoreUnderTest['fetch']): Promise<Response> {
  return fetch(url, { method: 'PUT', headers: putHeaders, body: utf8(body) });
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

function testsOfUrls(make: MakeBlobStore): void {
  test('a create URL creates its blob once and never overwrites', async (t) => {
    const { store, fetch, takenStatus = 409 } = await make(t);
    const url = await store.createUrl('chunks', 'w/00/11/pack.blob', 60);
    assert.equal(await statusOf(put(url, 'bytes', fetch)), 201);
    assert.equal(await statusOf(put(url, 'other', fetch)), takenStatus);
    assert.deepEqual(await store.get('chunks', 'w/00/11/pack.blob'), utf8('bytes'));
  });

  test('of racing uploads to one URL exactly one creates', async (t) => {
    const { store, fetch, takenStatus = 409 } = await make(t);
    const url = await store.createUrl('chunks', 'w/a', 60);
    const bodies = Array.from({ length: 8 }, (_, i) => String(i).repeat(5_000));
    const statuses = await Promise.all(bodies.map((body) => statusOf(put(url, body, fetch))));
    // Whoever comes while another upload is under way is refused by the blob's creation.
    assert.equal(statuses.filter((status) => status === 201).length, 1);
    assert.ok(
      statuses.every((status) => [201, 409, takenStatus].includes(status)),
      statuses.join(),
    );
    assert.deepEqual(await store.get('chunks', 'w/a'), utf8(bodies[statuses.indexOf(201)]!));
  });

  test('a read URL reads its blob, whole or in part', async (t) => {
    const { store, fetch } = await make(t);
    const url = await store.readUrl('chunks', 'w/a', 60);
    assert.equal(await statusOf(fetch(url)), 404);
    await store.put('chunks', 'w/a', utf8('0123456789'));
    const whole = await fetch(url);
    assert.equal(whole.status, 200);
    assert.equal(await whole.text(), '0123456789');
    const part = await fetch(url, { headers: { range: 'bytes=3-5' } });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), '345');
    assert.equal(await statusOf(fetch(url, { headers: { range: 'bytes=11-' } })), 416);
  });

  test('a URL is good for nothing else: no other verb, blob, container or operation', async (t) => {
    const { store, fetch } = await make(t);
    await store.put('chunks', 'w/a', utf8('x'));
    const create = await store.createUrl('chunks', 'w/b', 60);
    const read = await store.readUrl('chunks', 'w/a', 60);
    assert.equal(await statusOf(fetch(create)), 403);
    assert.equal(await statusOf(fetch(create, { method: 'HEAD' })), 403);
    assert.equal(await statusOf(put(read.replace('w/a', 'w/c'), 'x', fetch)), 403);
    assert.equal(await statusOf(put(read, 'x', fetch)), 403);
    assert.equal(await statusOf(put(create.replace('w/b', 'w/c'), 'x', fetch)), 403);
    assert.equal(await statusOf(put(create.replace('/chunks/', '/manifests/'), 'x', fetch)), 403);
    assert.equal(await statusOf(put(create.replace('sp=c', 'sp=cw'), 'x', fetch)), 403);
    assert.equal(await statusOf(fetch(create.replace('sp=c', 'sp=r'))), 403);
    assert.ok((await statusOf(fetch(read, { method: 'DELETE' }))) >= 400);
    assert.ok((await statusOf(put(`${create}&comp=block&blockid=AA`, 'x', fetch))) >= 400);
    assert.deepEqual(await listAll(store, 'chunks', ''), ['w/a']);
    assert.deepEqual(await listAll(store, 'manifests', ''), []);
  });

  test('a URL ends with its time', async (t) => {
    const { store, fetch, advance } = await make(t);
    if (advance === undefined) return t.skip('this store keeps its own time');
    await store.put('chunks', 'w/a', utf8('x'));
    const create = await store.createUrl('chunks', 'w/b', 60);
    const read = await store.readUrl('chunks', 'w/a', 60);
    advance(59_000);
    assert.equal(await statusOf(fetch(read)), 200);
    advance(2_000);
    assert.equal(await statusOf(fetch(read)), 403);
    assert.equal(await statusOf(put(create, 'x', fetch)), 403);
    const later = new Date(Date.parse(new URL(create).searchParams.get('se') ?? '') + 3_600_000).toISOString();
    const stretched = create.replace(/se=[^&]*/, `se=${encodeURIComponent(later)}`);
    assert.equal(await statusOf(put(stretched, 'x', fetch)), 403);
    assert.equal(await store.head('chunks', 'w/b'), undefined);
  });

  test('an upload without the blob type is refused', async (t) => {
    const { store, fetch } = await make(t);
    const url = await store.createUrl('chunks', 'w/a', 60);
    assert.equal(await statusOf(fetch(url, { method: 'PUT', body: utf8('x') })), 400);
    assert.equal(await store.head('chunks', 'w/a'), undefined);
  });
}

function testsOfDurability(make: MakeBlobStore): void {
  test('a second instance sees every put that resolved, with its ETag', async (t) => {
    const { store, fetch, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    await store.put('chunks', 'w/a', utf8('by put'));
    await statusOf(put(await store.createUrl('chunks', 'w/b', 60), 'by url', fetch));
    const before = await store.head('chunks', 'w/a');
    const second = await reopen();
    assert.deepEqual(await second.get('chunks', 'w/a'), utf8('by put'));
    assert.deepEqual(await second.get('chunks', 'w/b'), utf8('by url'));
    assert.deepEqual(await second.head('chunks', 'w/a'), before);
    assert.equal(await second.put('chunks', 'w/a', utf8('x')), 'exists');
    const block = `${await store.stageUrl('w/s/p', 60)}&comp=block&blockid=${'A'.repeat(43)}%3D`;
    assert.equal(await statusOf(fetch(block, { method: 'PUT', body: utf8('block') })), 201);
    const staged = { uncommitted: [{ id: new Uint8Array(32), length: 5 }], committed: undefined };
    assert.deepEqual(await second.staged('w/s/p'), staged);
    assert.equal(await second.deleteIfMatch('chunks', 'w/a', before?.etag ?? ''), 'deleted');
    assert.equal(await store.head('chunks', 'w/a'), undefined);
  });
}

export function blobUrlContract(make: MakeBlobStore): void {
  testsOfUrls(make);
  testsOfDurability(make);
}
