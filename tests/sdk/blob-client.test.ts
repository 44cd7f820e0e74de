import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BlobClient, createBlobClient, isExpiredUrl } from '../../client/sdk/blob-client.ts';
import type { Transport } from '../../client/sdk/transport.ts';

const url = 'https://blobs.example/chunks/x.blob?sp=c&sig=secret';
const signal = new AbortController().signal;
const content = Uint8Array.from({ length: 100 }, (_, i) => i);

function clientOf(transport: Transport): BlobClient {
  return createBlobClient({
    transport,
    waiter: { sleep: () => Promise.resolve(), random: () => 0 },
    now: () => 0,
    retry: { attempts: 2, baseMs: 1, capMs: 1, retryAfterMaxMs: 0 },
  });
}

test('a pack is a plain Put Blob; a taken name is told apart from a new one', async () => {
  const methods: string[] = [];
  const client = clientOf(async (request) => {
    methods.push(`${request.method} ${request.headers.get('x-ms-blob-type')} ${(await request.bytes()).length}`);
    return new Response(null, { status: methods.length === 1 ? 201 : 409 });
  });
  assert.equal(await client.putPack(url, content, signal), 'created');
  assert.equal(await client.putPack(url, content, signal), 'exists');
  assert.deepEqual(methods, ['PUT BlockBlob 100', 'PUT BlockBlob 100']);
});

test('a range is exactly what was asked for, whether the storage honours ranges or sends all', async () => {
  const partial = clientOf((request) => {
    assert.equal(request.headers.get('range'), 'bytes=10-19');
    return Promise.resolve(new Response(content.slice(10, 20), { status: 206 }));
  });
  assert.deepEqual(await partial.getRange(url, 10, 20, signal), content.slice(10, 20));
  const whole = clientOf(() => Promise.resolve(new Response(content.slice(0, 20), { status: 200 })));
  assert.deepEqual(new Uint8Array(await whole.getRange(url, 10, 20, signal)), content.slice(10, 20));
});

test('a truncated body is an error that may pass, and is tried again', async () => {
  let calls = 0;
  const client = clientOf(() => {
    calls++;
    return Promise.resolve(new Response(content.slice(10, calls === 1 ? 15 : 20), { status: 206 }));
  });
  assert.deepEqual(await client.getRange(url, 10, 20, signal), content.slice(10, 20));
  assert.equal(calls, 2);
});

test("a captive portal's page in place of a range is tried again, never taken for content", async () => {
  let calls = 0;
  const portal = () => new Response('<html>please log in</html>', { headers: { 'content-type': 'text/html' } });
  const client = clientOf(() =>
    Promise.resolve(++calls === 1 ? portal() : new Response(content.slice(0, 10), { status: 206 })),
  );
  assert.deepEqual(await client.getRange(url, 0, 10, signal), content.slice(0, 10));
  assert.equal(calls, 2);
});

test('an expired URL is told apart, and no error shows the URL', async () => {
  const client = clientOf(() => Promise.resolve(new Response('<Error/>', { status: 403 })));
  await assert.rejects(client.getRange(url, 0, 1, signal), (error: unknown) => {
    assert.ok(isExpiredUrl(error));
    assert.ok(error instanceof Error && !error.message.includes('sig') && !JSON.stringify(error).includes('secret'));
    return true;
  });
});
