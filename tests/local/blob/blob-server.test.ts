import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { uploadBytesMax } from '../../../shared/adapters/blob-protocol/blob-request.ts';
import { signBlobUrl } from '../../../shared/adapters/blob-protocol/signed-url.ts';
import { concatBytes, utf8 } from '../../../shared/core/bytes.ts';
import { createBlobWorld } from './blob-world.ts';

const blockBlob = { 'x-ms-blob-type': 'BlockBlob' };

/** Sends exactly these bytes and gives back everything that comes until the other side closes. */
async function sendRaw(endpoint: string, text: string): Promise<string> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

test('an upload answers 201 with the ETag, is told to the listener once, and leaves nothing in staging', async (t) => {
  const { store, staging, created, endpoint } = await createBlobWorld(t);
  const url = await store.createUrl('chunks', 'w/a', 60);
  const answer = await fetch(url, { method: 'PUT', headers: blockBlob, body: 'bytes' });
  const properties = await store.head('chunks', 'w/a');
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('etag'), `"${properties?.etag}"`);
  const again = await fetch(url, { method: 'PUT', headers: blockBlob, body: 'bytes' });
  assert.equal(again.status, 409);
  assert.equal(again.headers.get('x-ms-error-code'), 'BlobAlreadyExists');
  assert.match(await again.text(), /^<\?xml .*<Error><Code>BlobAlreadyExists<\/Code><Message>/);
  assert.deepEqual(created, [{ container: 'chunks', name: 'w/a', api: 'PutBlob', ...properties }]);
  assert.deepEqual(await readdir(staging), []);
  assert.ok(endpoint.startsWith('http://127.0.0.1:'));
});

test('a wrong MD5 is refused and leaves nothing', async (t) => {
  const { store, staging } = await createBlobWorld(t);
  const url = await store.createUrl('chunks', 'w/a', 60);
  const headers = { ...blockBlob, 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  const answer = await fetch(url, { method: 'PUT', headers, body: 'bytes' });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get('x-ms-error-code'), 'Md5Mismatch');
  assert.equal(await store.head('chunks', 'w/a'), undefined);
  assert.deepEqual(await readdir(staging), []);
});

test('a body over any pack is refused unread; the largest pack goes in', async (t) => {
  const { store, endpoint } = await createBlobWorld(t);
  const url = new URL(await store.createUrl('chunks', 'w/a', 60));
  const head = (length: number) =>
    `PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: x\r\nx-ms-blob-type: BlockBlob\r\ncontent-length: ${length}\r\n\r\n`;
  assert.match(await sendRaw(endpoint, head(uploadBytesMax + 1)), /^HTTP\/1\.1 413 .*connection: close/is);
  const answer = await fetch(url, { method: 'PUT', headers: blockBlob, body: new Uint8Array(uploadBytesMax) });
  assert.equal(answer.status, 201);
  assert.equal((await store.head('chunks', 'w/a'))?.length, uploadBytesMax);
});

test('a body of unknown length is refused', async (t) => {
  const { store } = await createBlobWorld(t);
  const url = await store.createUrl('chunks', 'w/a', 60);
  const body = new ReadableStream({
    pull: (controller) => {
      controller.enqueue(utf8('bytes'));
      controller.close();
    },
  });
  const answer = await fetch(url, { method: 'PUT', headers: blockBlob, body, duplex: 'half' });
  assert.equal(answer.status, 411);
  assert.equal(await store.head('chunks', 'w/a'), undefined);
});

test('an upload that breaks off leaves nothing, and the URL is still good', async (t) => {
  const { store, endpoint, staging } = await createBlobWorld(t);
  const url = new URL(await store.createUrl('chunks', 'w/a', 60));
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  socket.write(
    `PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: x\r\nx-ms-blob-type: BlockBlob\r\ncontent-length: 100000\r\n\r\n`,
  );
  socket.write(Buffer.alloc(50_000));
  while ((await readdir(staging)).length === 0) await new Promise(setImmediate);
  socket.destroy();
  while ((await readdir(staging)).length > 0) await new Promise(setImmediate);
  assert.equal(await store.head('chunks', 'w/a'), undefined);
  assert.equal((await fetch(url, { method: 'PUT', headers: blockBlob, body: 'x' })).status, 201);
});

test('one connection serves refusals and uploads one after the other', async (t) => {
  const { store } = await createBlobWorld(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ports = new Set<number | undefined>();
  const send = async (url: string): Promise<number | undefined> => {
    const request = httpRequest(url, { method: 'PUT', agent, headers: blockBlob });
    request.end(Buffer.alloc(200_000));
    const [response] = await once(request, 'response');
    ports.add(request.socket?.localPort);
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };
  const url = await store.createUrl('chunks', 'w/a', 60);
  assert.equal(await send(url.replace(/sig=.*/, 'sig=no')), 403);
  assert.equal(await send(url), 201);
  assert.equal(await send(url), 409);
  assert.equal(ports.size, 1);
});

test('ranges: first, last, suffix, over the end; several and nonsense give the whole', async (t) => {
  const { store } = await createBlobWorld(t);
  await store.put('chunks', 'w/a', utf8('0123456789'));
  await store.put('chunks', 'w/empty', utf8(''));
  const url = await store.readUrl('chunks', 'w/a', 60);
  const read = async (headers: Record<string, string>) => {
    const answer = await fetch(url, { headers });
    return [answer.status, answer.headers.get('content-range'), answer.status === 416 ? '' : await answer.text()];
  };
  assert.deepEqual(await read({ range: 'bytes=0-0' }), [206, 'bytes 0-0/10', '0']);
  assert.deepEqual(await read({ range: 'bytes=7-' }), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await read({ range: 'bytes=-3' }), [206, 'bytes 7-9/10', '789']);
  assert.deepEqual(await read({ range: 'bytes=-30' }), [206, 'bytes 0-9/10', '0123456789']);
  assert.deepEqual(await read({ range: 'bytes=8-400' }), [206, 'bytes 8-9/10', '89']);
  assert.deepEqual(await read({ range: 'bytes=1-2', 'x-ms-range': 'bytes=3-4' }), [206, 'bytes 3-4/10', '34']);
  assert.equal((await read({ range: 'bytes=10-11' }))[0], 416);
  assert.equal((await read({ range: 'bytes=-0' }))[0], 416);
  for (const range of ['bytes=0-1,3-4', 'bytes=5-2', 'lines=0-1', 'bytes=', 'bytes=-']) {
    assert.deepEqual(await read({ range }), [200, null, '0123456789']);
  }
  const empty = await store.readUrl('chunks', 'w/empty', 60);
  assert.equal((await fetch(empty)).headers.get('content-length'), '0');
  assert.equal((await fetch(empty, { headers: { range: 'bytes=0-' } })).status, 416);
  const head = await fetch(url, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '10');
  assert.equal(await head.text(), '');
});

test('paths that try to leave the folder are refused, however they are written', async (t) => {
  const { endpoint, folder, logged } = await createBlobWorld(t);
  await writeFile(path.join(folder, 'secret'), 'secret');
  await writeFile(path.join(folder, '.staging', 'secret'), 'secret');
  const key = new Uint8Array(32).fill(5);
  // Signed for a name that exists nowhere: what counts is that the path is refused before anything is opened.
  const query = new URL(
    signBlobUrl(key, endpoint, { permission: 'r', container: 'chunks', name: 'x', expiresMs: Date.UTC(2100, 0) }),
  ).search;
  const paths = [
    '/chunks/../secret',
    '/chunks/%2e%2e/secret',
    '/chunks/%2E%2E%2Fsecret',
    '/chunks/..%5csecret',
    '/chunks/%252e%252e/secret',
    '/chunks/x%00',
    '/chunks/x%0a',
    '/chunks//secret',
    '/chunks/%c0%ae%c0%ae/secret',
    '/chunks/%',
    '/.staging/secret',
    '/secret',
    '/chunks',
    '/chunks/',
    '//chunks/x',
    '/$web/x',
    '*',
    'http://other/chunks/x',
  ];
  for (const target of paths) {
    const answer = await sendRaw(endpoint, `GET ${target}${query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 40[03] /, target);
    assert.ok(!answer.includes(folder) && !answer.endsWith('secret'), target);
  }
  assert.deepEqual(logged, []);
});

test('a name that runs through another blob fails without telling a path or a signature', async (t) => {
  const { store, folder, logged } = await createBlobWorld(t);
  await store.put('chunks', 'w', utf8('a blob'));
  const url = await store.createUrl('chunks', 'w/a', 60);
  const answer = await fetch(url, { method: 'PUT', headers: blockBlob, body: 'x' });
  const text = await answer.text();
  assert.equal(answer.status, 500);
  assert.equal(logged.length, 1);
  const sig = new URL(url).searchParams.get('sig') ?? '-';
  for (const told of [text, ...logged]) assert.ok(!told.includes(folder) && !told.includes(sig));
});

test('a slow reader gets the incarnation that it began with, though it is deleted meanwhile', async (t) => {
  const { store } = await createBlobWorld(t);
  const body = new Uint8Array(8 << 20).map((_, i) => i % 253);
  await store.put('chunks', 'w/a', body);
  const answer = await fetch(await store.readUrl('chunks', 'w/a', 60));
  const properties = await store.head('chunks', 'w/a');
  assert.equal(await store.deleteIfMatch('chunks', 'w/a', properties?.etag ?? ''), 'deleted');
  await store.put('chunks', 'w/a', utf8('new'));
  const pieces: Uint8Array[] = [];
  for await (const piece of answer.body ?? []) pieces.push(piece);
  assert.equal(Buffer.compare(concatBytes(...pieces), body), 0);
});

test('methods that are not served are refused', async (t) => {
  const { store } = await createBlobWorld(t);
  const url = await store.readUrl('chunks', 'w/a', 60);
  for (const method of ['DELETE', 'POST', 'PATCH', 'OPTIONS']) {
    assert.equal((await fetch(url, { method })).status, 405, method);
  }
});
