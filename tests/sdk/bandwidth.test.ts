/** The limit of bandwidth, in virtual time, and over real sockets by the time that the bucket thinks has passed. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Rate, TokenBucket, withBandwidth } from '../../client/sdk/bandwidth.ts';
import { fetchTransport } from '../../client/sdk/transport.ts';

const never = new AbortController().signal;

/** Sleeping is what makes time pass. Those that sleep at once wake up in the order of their time. */
class SleptTime {
  nowMs = 1_000_000;
  slept = 0;

  now(): number {
    return this.nowMs;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept++;
    this.nowMs += ms;
  }
}

test('over any pieces the rate is kept, but for a burst at the start', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1_024, max: 10_000_000 }),
      fc.array(fc.integer({ min: 1, max: 16 * 1024 }), { minLength: 1, maxLength: 200 }),
      async (rate, pieces) => {
        const time = new SleptTime();
        const bucket = new TokenBucket(() => rate, time);
        const began = time.now();
        for (const bytes of pieces) await bucket.take(bytes, never);
        const bytes = pieces.reduce((sum, piece) => sum + piece, 0);
        const expected = Math.max(0, (bytes / rate) * 1_000 - 250);
        assert.ok(Math.abs(time.now() - began - expected) < 1, `${time.now() - began} ms instead of ${expected}`);
      },
    ),
  ));

test('a pause earns no more than the burst', async () => {
  const time = new SleptTime();
  const bucket = new TokenBucket(() => 1_000, time);
  await bucket.take(1_000, never);
  time.nowMs += 3_600_000;
  const began = time.now();
  await bucket.take(1_000, never);
  assert.equal(time.now() - began, 750);
});

test('without a limit nobody waits, and a new rate holds from the next piece on', async () => {
  const time = new SleptTime();
  let rate: Rate = null;
  const bucket = new TokenBucket(() => rate, time);
  assert.equal(bucket.pieceBytes, Infinity);
  for (let i = 0; i < 100; i++) await bucket.take(1_000_000, never);
  assert.equal(time.slept, 0);
  rate = 8_000;
  assert.equal(bucket.pieceBytes, 1_000);
  const began = time.now();
  await bucket.take(10_000, never);
  assert.equal(time.now() - began, 1_000);
  rate = null;
  await bucket.take(1_000_000, never);
  assert.equal(time.now() - began, 1_000);
});

test('a clock that is set back by hours makes nobody wait for hours', async () => {
  const time = new SleptTime();
  const bucket = new TokenBucket(() => 1_000, time);
  await bucket.take(5_000, never);
  time.nowMs -= 7_200_000;
  const began = time.now();
  await bucket.take(1_000, never);
  assert.ok(time.now() - began <= 1_000);
});

test('bodies arrive whole and with their length, both ways, no faster than the rates', async () => {
  const seen: { length: string | undefined; body: Buffer }[] = [];
  const answer = Buffer.alloc(300_000, 'down');
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      seen.push({ length: request.headers['content-length'], body: Buffer.concat(pieces) });
      response.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const [up, down] = [new SleptTime(), new SleptTime()];
    const limits = { up: new TokenBucket(() => 50_000, up), down: new TokenBucket(() => 100_000, down), patienceMs: 0 };
    const transport = withBandwidth(fetchTransport, limits);
    const body = new Uint8Array(200_000).map((_, i) => i % 251);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const response = await transport(new Request(url, { method: 'PUT', body, headers: { 'x-kept': 'yes' } }));
    const received = Buffer.from(await response.arrayBuffer());
    assert.ok(received.equals(answer));
    assert.equal(response.headers.get('content-length'), '300000');
    assert.equal(seen[0]?.length, '200000');
    assert.ok(seen[0].body.equals(Buffer.from(body)));
    assert.ok(up.now() - 1_000_000 >= 3_700, 'four seconds up, less the burst');
    assert.ok(down.now() - 1_000_000 >= 2_700, 'three seconds down, less the burst');
    // A request without a body, and one whose body is a stream of told length.
    assert.equal((await transport(new Request(url))).status, 200);
    const pieces = ReadableStream.from([new Uint8Array(10), new Uint8Array(20)]);
    const streamed = { method: 'PUT', body: pieces, duplex: 'half' as const, headers: { 'content-length': '30' } };
    await (await transport(new Request(url, streamed))).arrayBuffer();
    assert.deepEqual([seen[2]?.length, seen[2]?.body.length], ['30', 30]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a request that is aborted while it waits ends', async () => {
  const controller = new AbortController();
  const clock = {
    now: () => 0,
    sleep: (_ms: number, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        controller.abort(new Error('stopped'));
      }),
  };
  const slow = new TokenBucket(() => 1_024, clock);
  const transport = withBandwidth(fetchTransport, { up: slow, down: slow, patienceMs: 0 });
  const request = new Request('http://127.0.0.1:9/', {
    method: 'PUT',
    body: new Uint8Array(100_000),
    signal: controller.signal,
  });
  await assert.rejects(transport(request));
});
