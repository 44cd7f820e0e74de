import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiClient, createApiClient } from '../../client/sdk/api-client.ts';
import type { TokenSource } from '../../client/sdk/tokens.ts';
import type { Transport } from '../../client/sdk/transport.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { parseDeviceId } from '../../shared/core/ids.ts';
import { deviceView } from '../../shared/core/wire/device.ts';
import { encodeBody } from '../../shared/core/wire/envelope.ts';

const device = { deviceId: parseDeviceId('ab'.repeat(16)), name: 'laptop', createdMs: 5, revokedMs: null };
const request = { token: new Uint8Array(16), name: 'laptop' };

function answerOf(value: typeof device): Response {
  return new Response(encodeBody(deviceView, value, null) as Uint8Array<ArrayBuffer>, { status: 200 });
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({
    type: 'about:blank',
    status,
    code,
    detail: `because ${code}`,
    missing: ['a'],
    nested: {},
  });
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json', ...headers } });
}

function clientOf(transport: Transport, tokens?: Partial<TokenSource>): ApiClient {
  return createApiClient({
    baseUrl: 'https://sync.example/api/',
    transport,
    tokens: { token: () => Promise.resolve('first'), renew: () => Promise.resolve('second'), ...tokens },
    lz4: nodeCodecs.lz4,
    waiter: { sleep: () => Promise.resolve(), random: () => 0 },
    now: () => 0,
    retry: { attempts: 3, baseMs: 1, capMs: 1, retryAfterMaxMs: 10_000 },
  });
}

test('a call sends a token and msgpack, and gives the typed answer', async () => {
  const seen: Request[] = [];
  const client = clientOf((sent) => {
    seen.push(sent);
    return Promise.resolve(answerOf(device));
  });
  assert.deepEqual(await client.registerDevice(request), device);
  assert.equal(seen[0]?.url, 'https://sync.example/api/devices');
  assert.equal(seen[0]?.headers.get('authorization'), 'Bearer first');
  assert.equal(seen[0]?.headers.get('content-type'), 'application/msgpack');
});

test("the session of the server's store goes on with the next call, from refusals too, and never to who has no token", async () => {
  const sent: (string | null)[] = [];
  const answers = [
    () => withSession(answerOf(device), 'one'),
    () => withSession(problem(403, 'forbidden'), 'two'),
    () => answerOf(device),
    () => answerOf(device),
  ];
  const client = clientOf((request) => {
    sent.push(request.headers.get('tidemark-session'));
    return Promise.resolve(answers[Math.min(sent.length, answers.length) - 1]!());
  });
  await client.registerDevice(request);
  await assert.rejects(client.registerDevice(request), { code: 'forbidden' });
  await client.registerDevice(request);
  await assert.rejects(client.configuration());
  assert.deepEqual(sent.slice(0, 4), [null, 'one', 'two', null]);
});

function withSession(response: Response, session: string): Response {
  response.headers.set('tidemark-session', session);
  return response;
}

test('a refused token is renewed once and the call repeated with the new one', async () => {
  const used: (string | null)[] = [];
  const client = clientOf((sent) => {
    const token = sent.headers.get('authorization');
    used.push(token);
    return Promise.resolve(token === 'Bearer second' ? answerOf(device) : problem(401, 'unauthenticated'));
  });
  assert.deepEqual(await client.registerDevice(request), device);
  assert.deepEqual(used, ['Bearer first', 'Bearer second']);
});

test('a problem+json becomes an error with its code, its detail and its plain data', async () => {
  const client = clientOf(() => Promise.resolve(problem(409, 'missing-chunks')));
  await assert.rejects(client.registerDevice(request), {
    code: 'missing-chunks',
    message: 'because missing-chunks',
    data: { missing: ['a'], status: 409 },
  });
});

test('a lost connection and a 503 are tried again; the answer after them counts', async () => {
  let calls = 0;
  const client = clientOf(() => {
    calls++;
    if (calls === 1) return Promise.reject(new TypeError('fetch failed'));
    return Promise.resolve(calls === 2 ? new Response('<html>', { status: 503 }) : answerOf(device));
  });
  assert.deepEqual(await client.registerDevice(request), device);
  assert.equal(calls, 3);
});

test('a refusal that did not arrive whole is asked for again, not taken for what its status could mean', async () => {
  let calls = 0;
  const client = clientOf(async () => {
    const refusal = problem(409, 'stale-base');
    if (++calls > 1) return refusal;
    return new Response((await refusal.text()).slice(0, 30), { status: 409, headers: refusal.headers });
  });
  await assert.rejects(client.registerDevice(request), { code: 'stale-base' });
  assert.equal(calls, 2);
});

test("a captive portal's page with 200 is an unreachable server, not data", async () => {
  const page = () => new Response('<html>Welcome to the hotel</html>', { headers: { 'content-type': 'text/html' } });
  await assert.rejects(clientOf(() => Promise.resolve(page())).registerDevice(request), { code: 'unavailable' });
});

test('an answer over the limit is refused by its header, and as it streams', async () => {
  const claims = () => new Response('x', { headers: { 'content-length': String(1e12) } });
  await assert.rejects(clientOf(() => Promise.resolve(claims())).registerDevice(request), { code: 'too-large' });
  let sent = 0;
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 1 << 20;
          controller.enqueue(new Uint8Array(1 << 20));
        },
      }),
    );
  await assert.rejects(clientOf(() => Promise.resolve(endless())).registerDevice(request), { code: 'too-large' });
  assert.ok(sent < 64 << 20, 'it stopped reading soon after the limit');
});

test('without a login nothing is sent', async () => {
  let calls = 0;
  const client = clientOf(
    () => {
      calls++;
      return Promise.resolve(answerOf(device));
    },
    { token: () => Promise.reject(new Error('log in first')) },
  );
  await assert.rejects(client.registerDevice(request), /log in first/);
  assert.equal(calls, 0);
});
