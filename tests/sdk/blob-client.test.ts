import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseDigest } from '../../shared/core/ids.ts';
import { type BlobClient, createBlobClient, isExpiredUrl } from '../../client/sdk/blob-client.ts';
import { type Transport, fetchTransport } from '../../client/sdk/transport.ts';

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

/** A server on a free port, for as long as `work` takes. */
async function withServer(answer: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x.blob?sig=secret`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function streamingClient(): BlobClient {
  const waiter = { sleep: () => Promise.resolve(), random: () => 0 };
  return createBlobClient({ transport: fetchTransport, waiter, now: () => 0, streamsBodies: true });
}

test('a pack that is streamed arrives whole, under its length: storage takes no body of unknown length', async () => {
  const pack = Uint8Array.from({ length: 3 * 1024 * 1024 + 17 }, (_, i) => (i * 7) % 251);
  const seen: unknown[] = [];
  const answer: RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { 'content-length': length, 'transfer-encoding': encoding, 'x-ms-blob-type': type } = request.headers;
      seen.push([length, encoding, type, Buffer.concat(pieces).equals(pack)]);
      response.writeHead(201).end();
    });
  };
  await withServer(answer, async (at) => {
    assert.equal(await streamingClient().putPack(at, pack, signal), 'created');
    // Again, over the same connection.
    assert.equal(await streamingClient().putPack(at, pack, signal), 'created');
  });
  const whole = [String(pack.length), undefined, 'BlockBlob', true];
  assert.deepEqual(seen, [whole, whole]);
});

test('an answer that comes before all of a streamed pack was read counts', async () => {
  const pack = new Uint8Array(32 * 1024 * 1024);
  const answer: RequestListener = (request, response) => {
    request.once('data', () => response.writeHead(409, { connection: 'close' }).end());
  };
  await withServer(answer, async (at) => {
    const client = streamingClient();
    assert.equal(await client.putPack(at, pack, signal), 'exists');
    // The memory is the caller's again, whatever still hangs on the connection.
    pack.fill(1);
    assert.equal(await client.putPack(at, pack.subarray(0, 100), signal), 'exists');
  });
});

test('a range is read to where the caller wants it', async () => {
  const answer: RequestListener = (_request, response) => {
    response.writeHead(206, { 'content-length': '100' }).end(content);
  };
  await withServer(answer, async (at) => {
    const into = new Uint8Array(200);
    const got = await streamingClient().getRange(at, 0, 100, signal, into);
    assert.equal(got.buffer, into.buffer);
    assert.deepEqual(into.subarray(0, 100), content);
    const small = new Uint8Array(99);
    assert.deepEqual(await streamingClient().getRange(at, 0, 100, signal, small), content);
  });
});

test('a create-only URL of Azure says by the permission that the name is taken', async () => {
  const answer = (code: string) => () =>
    Promise.resolve(new Response('<Error/>', { status: 403, headers: { 'x-ms-error-code': code } }));
  for (const code of ['UnauthorizedBlobOverwrite', 'AuthorizationPermissionMismatch']) {
    assert.equal(await clientOf(answer(code)).putPack(url, content, signal), 'exists');
  }
  await assert.rejects(clientOf(answer('AuthenticationFailed')).putPack(url, content, signal), isExpiredUrl);
});

test('a pack can be put in one try only', async () => {
  let calls = 0;
  const client = clientOf(() => {
    calls++;
    return Promise.resolve(new Response(null, { status: 503 }));
  });
  await assert.rejects(client.putPack(url, content, signal, 1));
  assert.equal(calls, 1);
  await assert.rejects(client.putPack(url, content, signal));
  assert.equal(calls, 3);
});

test('blocks are Put Block and Put Block List, with ids in base64', async () => {
  const requests: string[] = [];
  const client = clientOf(async (request) => {
    const { searchParams } = new URL(request.url);
    assert.equal(searchParams.get('sig'), 'secret');
    requests.push(`${request.method} ${searchParams.get('comp')} ${searchParams.get('blockid')}`);
    if (searchParams.get('comp') === 'blocklist') requests.push(await request.text());
    const isThird = requests.length === 3;
    if (isThird || requests.length === 1) return new Response(null, { status: 201 });
    return new Response(null, { status: 400, headers: { 'x-ms-error-code': 'InvalidBlockList' } });
  });
  const hash = parseDigest(`fbef${'ff'.repeat(30)}`);
  const id = Buffer.from(hash, 'hex').toString('base64');
  assert.ok(id.includes('+') && id.includes('/') && id.endsWith('='));
  await client.stageBlock(url, hash, content, signal);
  assert.equal(await client.commitBlocks(url, [hash, hash], signal), 'created');
  const list = `<?xml version="1.0" encoding="utf-8"?><BlockList>${`<Latest>${id}</Latest>`.repeat(2)}</BlockList>`;
  assert.deepEqual(requests, [`PUT block ${id}`, 'PUT blocklist null', list]);
  assert.equal(await client.commitBlocks(url, [hash], signal), 'unknown-block');
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
