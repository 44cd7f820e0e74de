/** The endpoint under the official SDK, used as it is with nothing but signed URLs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { AnonymousCredential, BlockBlobClient, RestError } from '@azure/storage-blob';
import { utf8 } from '../../../shared/core/bytes.ts';
import { createBlobWorld } from './blob-world.ts';

const name = '000000000000000000000000000000aa/1f/2e/1f2e.blob';

function clientOf(url: string): BlockBlobClient {
  return new BlockBlobClient(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });
}

test('upload creates the blob, with its MD5 checked, and answers with its ETag', async (t) => {
  const { store } = await createBlobWorld(t);
  const body = Buffer.alloc(3_000_000, 'tide');
  const client = clientOf(await store.createUrl('chunks', name, 60));
  const answer = await client.upload(body, body.length, {
    blobHTTPHeaders: { blobContentMD5: createHash('md5').update(body).digest() },
  });
  assert.equal(answer.etag, `"${(await store.head('chunks', name))?.etag}"`);
  assert.ok(answer.lastModified instanceof Date);
  assert.equal(Buffer.compare((await store.get('chunks', name)) ?? utf8(''), body), 0);
});

test('a body that its MD5 does not match is refused', async (t) => {
  const { store } = await createBlobWorld(t);
  const client = clientOf(await store.createUrl('chunks', name, 60));
  await assert.rejects(
    client.upload('tide', 4, { blobHTTPHeaders: { blobContentMD5: createHash('md5').update('tidy').digest() } }),
    (error) => error instanceof RestError && error.statusCode === 400 && error.code === 'Md5Mismatch',
  );
  assert.equal(await store.head('chunks', name), undefined);
});

test('a second upload is told that the blob exists, with and without If-None-Match', async (t) => {
  const { store } = await createBlobWorld(t);
  const client = clientOf(await store.createUrl('chunks', name, 60));
  await client.upload('first', 5, { conditions: { ifNoneMatch: '*' } });
  for (const conditions of [{}, { ifNoneMatch: '*' }]) {
    await assert.rejects(
      client.upload('other', 5, { conditions }),
      (error) => error instanceof RestError && error.statusCode === 409 && error.code === 'BlobAlreadyExists',
    );
  }
  assert.deepEqual(await store.get('chunks', name), utf8('first'));
});

test('download gives the blob and any range of it; getProperties its length', async (t) => {
  const { store } = await createBlobWorld(t);
  const body = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251));
  await store.put('chunks', name, body);
  const client = clientOf(await store.readUrl('chunks', name, 60));
  assert.equal(Buffer.compare(await client.downloadToBuffer(), body), 0);
  assert.equal(Buffer.compare(await client.downloadToBuffer(500_000, 1_000), body.subarray(500_000, 501_000)), 0);
  const part = await client.download(10, 20);
  assert.equal(part.contentLength, 20);
  assert.equal(part.contentRange, 'bytes 10-29/1000000');
  assert.ok(part.readableStreamBody);
  const pieces: Buffer[] = [];
  for await (const piece of part.readableStreamBody) pieces.push(Buffer.from(piece));
  assert.equal(Buffer.compare(Buffer.concat(pieces), body.subarray(10, 30)), 0);
  const properties = await client.getProperties();
  assert.equal(properties.contentLength, body.length);
  assert.equal(properties.blobType, 'BlockBlob');
  await assert.rejects(
    client.download(0, undefined, { conditions: { ifMatch: '"another"' } }),
    (error) => error instanceof RestError && error.statusCode === 412,
  );
});

test('the SDK reads refusals: wrong permission, expired, absent', async (t) => {
  const { store, clock } = await createBlobWorld(t);
  const isRefusal = (status: number, code: string) => (error: unknown) =>
    error instanceof RestError && error.statusCode === status && error.code === code;
  const create = clientOf(await store.createUrl('chunks', name, 60));
  const read = clientOf(await store.readUrl('chunks', name, 60));
  await assert.rejects(create.download(), isRefusal(403, 'AuthenticationFailed'));
  await assert.rejects(read.upload('x', 1), isRefusal(403, 'AuthenticationFailed'));
  await assert.rejects(read.download(), isRefusal(404, 'BlobNotFound'));
  await assert.rejects(create.stageBlock('AAAA', 'x', 1), isRefusal(403, 'AuthenticationFailed'));
  clock.advance(60_000);
  await assert.rejects(create.upload('x', 1), isRefusal(403, 'AuthenticationFailed'));
});

test('stageBlock and commitBlockList make a blob in staging, whose blocks were told before', async (t) => {
  const { store, created } = await createBlobWorld(t);
  const client = clientOf(await store.stageUrl('w/s/p', 60));
  const blocks = ['first ', 'second ', 'third'].map((text) => ({
    id: createHash('sha256').update(text).digest('base64'),
    text,
  }));
  for (const { id, text } of blocks) {
    await client.stageBlock(id, text, text.length, {
      transactionalContentMD5: createHash('md5').update(text).digest(),
    });
  }
  const staged = await store.staged('w/s/p');
  assert.deepEqual(
    new Map(staged?.uncommitted.map(({ id, length }) => [Buffer.from(id).toString('base64'), length])),
    new Map(blocks.map(({ id, text }) => [id, text.length])),
  );
  assert.equal(staged?.committed, undefined);
  const answer = await client.commitBlockList(blocks.map(({ id }) => id));
  const after = await store.staged('w/s/p');
  assert.deepEqual(after?.uncommitted, []);
  assert.equal(answer.etag, `"${after?.committed?.etag}"`);
  assert.deepEqual(await store.get('staging', 'w/s/p'), utf8('first second third'));
  assert.deepEqual(created, [{ container: 'staging', name: 'w/s/p', api: 'PutBlockList', ...after?.committed }]);
});

test('the SDK reads refusals of staging: bad id, other length of ids, unknown block, wrong MD5, too large', async (t) => {
  const { store } = await createBlobWorld(t);
  const isRefusal = (status: number, code: string) => (error: unknown) =>
    error instanceof RestError && error.statusCode === status && error.code === code;
  const client = clientOf(await store.stageUrl('w/s/p', 60));
  await client.stageBlock('AAAA', 'x', 1);
  await assert.rejects(client.stageBlock('AAA', 'x', 1), isRefusal(400, 'InvalidQueryParameterValue'));
  await assert.rejects(client.stageBlock('AAAAAAAA', 'x', 1), isRefusal(400, 'InvalidBlobOrBlock'));
  await assert.rejects(client.commitBlockList(['BBBB']), isRefusal(400, 'InvalidBlockList'));
  const wrong = { transactionalContentMD5: new Uint8Array(16) };
  await assert.rejects(client.stageBlock('CCCC', 'x', 1, wrong), isRefusal(400, 'Md5Mismatch'));
  const large = Buffer.alloc(4 * 1024 * 1024 + 1);
  await assert.rejects(client.stageBlock('CCCC', large, large.length), isRefusal(413, 'RequestBodyTooLarge'));
  await assert.rejects(client.upload('x', 1), isRefusal(403, 'AuthenticationFailed'));
  await assert.rejects(client.download(), isRefusal(403, 'AuthenticationFailed'));
  await assert.rejects(client.getBlockList('all'), isRefusal(403, 'AuthenticationFailed'));
  await assert.rejects(client.delete(), isRefusal(405, 'UnsupportedHttpVerb'));
  const staged = await store.staged('w/s/p');
  assert.deepEqual(staged, { uncommitted: [{ id: new Uint8Array(3), length: 1 }], committed: undefined });
});
