/** What the contract cannot show of the adapter: how it is opened, what it asks, and how its requests fail. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, describe, test } from 'node:test';
import {
  type WebPubSubNotifierOptions,
  createWebPubSubNotifier,
} from '../../shared/adapters/web-pubsub/web-pubsub-notifier.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseUserId } from '../../shared/core/ids.ts';
import { createManualClock } from '../contracts/manual-clock.ts';

const key = randomBytes(32).toString('base64');
const ann = parseUserId('login.example|ann/../x y');
const clock = createManualClock();
const message = new Uint8Array([1, 2, 3]);

function open(access: WebPubSubNotifierOptions['access'], allowRemoteKey?: boolean) {
  return createWebPubSubNotifier({ access, clock, ...(allowRemoteKey === undefined ? {} : { allowRemoteKey }) });
}

describe('how a realtime service is opened', () => {
  test('a key opens an endpoint on this machine, and another one only where the operator says so', () => {
    for (const host of ['http://127.0.0.1:80', 'http://localhost:7075', 'http://[::1]:1', 'https://127.0.0.9']) {
      open(`Endpoint=${host};AccessKey=${key};Version=1.0;`);
    }
    for (const host of [
      'https://tide.webpubsub.azure.com',
      'http://localhost.example',
      'http://10.0.0.1',
      'http://0.0.0.0',
    ]) {
      assert.throws(() => open(`Endpoint=${host};AccessKey=${key};Version=1.0;`), { code: 'forbidden' });
    }
    open(`Endpoint=https://tide.webpubsub.azure.com;AccessKey=${key};Version=1.0;`, true);
    const inTheOpen = `Endpoint=http://tide.webpubsub.azure.com;AccessKey=${key};Version=1.0;`;
    assert.throws(() => open(inTheOpen, true), { code: 'malformed' });
  });

  test('what is no connection string, and an identity over http, are refused without a word of them', () => {
    const credential = { getToken: async () => null };
    const bad = [
      '',
      'Endpoint=;AccessKey=x',
      `AccessKey=${key}`,
      'Endpoint=http://127.0.0.1',
      `Endpoint=x y;AccessKey=${key}`,
    ];
    const accesses = [...bad, { endpoint: 'http://tide.example', credential }, { endpoint: 'tide', credential }];
    for (const access of accesses) {
      assert.throws(
        () => open(access),
        (error) => error instanceof TidemarkError && error.code === 'malformed' && !error.message.includes(key),
      );
    }
  });
});

type HttpClient = NonNullable<WebPubSubNotifierOptions['httpClient']>;
type SdkRequest = Parameters<HttpClient['sendRequest']>[0];

/** An identity's notifier, whose requests are noted and answered here. */
function openIdentity(status: number, body = '{}') {
  const requests: SdkRequest[] = [];
  const notifier = createWebPubSubNotifier({
    access: {
      endpoint: 'https://tide.example',
      credential: { getToken: async () => ({ token: 'a token of Entra', expiresOnTimestamp: Date.now() + 3_600_000 }) },
    },
    clock,
    httpClient: {
      sendRequest: async (request) => {
        requests.push(request);
        const headers = request.headers;
        headers.set('content-type', 'application/json');
        return { request, status, headers, bodyAsText: body };
      },
    },
  });
  return { notifier, requests };
}

test('by an identity the service makes the token: whole minutes, the user, the roles of the groups and nothing else', async () => {
  for (const [seconds, minutes] of [
    [300, 5],
    [301, 6],
    [1, 1],
  ] as const) {
    const { notifier, requests } = openIdentity(200, JSON.stringify({ token: 'made by the service' }));
    const { url, expiresMs } = await notifier.clientUrl(ann, ['ws-a', 'ws-b'], seconds);
    assert.equal(url, 'wss://tide.example/client/hubs/tidemark?access_token=made by the service');
    assert.equal(expiresMs, clock.now() + minutes * 60_000);
    const asked = new URL(requests[0]!.url);
    assert.equal(asked.pathname, '/api/hubs/tidemark/:generateToken');
    assert.equal(requests[0]!.headers.get('authorization'), 'Bearer a token of Entra');
    assert.deepEqual(
      [...asked.searchParams].filter(([name]) => name !== 'api-version' && name !== 'clientType'),
      [
        ['userId', ann],
        ['role', 'webpubsub.joinLeaveGroup.ws-a'],
        ['role', 'webpubsub.joinLeaveGroup.ws-b'],
        ['minutesToExpire', String(minutes)],
      ],
    );
  }
});

test('a connection that the service does not know is closed; of anything else a 404 is an error', async () => {
  const { notifier } = openIdentity(404);
  await notifier.closeConnection('gone', 'access changed');
  await assert.rejects(notifier.send('ws-a', message), { code: 'internal' });
  await assert.rejects(notifier.closeUser(ann, 'access changed'), { code: 'internal' });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A service on this machine that answers so; how many requests and connections it saw. */
async function startService(t: TestContext, answer: Answer) {
  const seen = { requests: 0, connections: 0, paths: new Set<string>() };
  const server = createServer((request, response) => {
    seen.requests += 1;
    seen.paths.add(decodeURIComponent(request.url?.split('?')[0] ?? ''));
    request.resume().on('end', () => answer(request, response));
  });
  server.on('connection', () => (seen.connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { seen, notifier: open(`Endpoint=${endpoint};AccessKey=${key};Version=1.0;`) };
}

test('messages one after the other share a connection', async (t) => {
  const { seen, notifier } = await startService(t, (_, response) => response.writeHead(202).end());
  for (let n = 0; n < 5; n++) await notifier.send('ws-a', message);
  assert.deepEqual([seen.requests, seen.connections], [5, 1]);
});

test('a user is named as they are, whatever is in the name', async (t) => {
  const { seen, notifier } = await startService(t, (_, response) => response.writeHead(204).end());
  await notifier.closeUser(ann, 'access changed');
  assert.deepEqual([...seen.paths], [`/api/hubs/tidemark/users/${ann}/:closeConnections`]);
});

describe('a request that fails', () => {
  for (const [status, code, times] of [
    [429, 'busy', 1],
    [503, 'busy', 2],
    [500, 'busy', 2],
    [401, 'internal', 1],
    [400, 'internal', 1],
  ] as const) {
    test(`by ${status} is ${code}, after ${times} of it`, async (t) => {
      const { seen, notifier } = await startService(t, (_, response) => response.writeHead(status).end());
      await assert.rejects(notifier.send('ws-a', message), { code, retryable: code === 'busy' });
      assert.equal(seen.requests, times);
    });
  }

  test('because nobody answers there is unavailable', async () => {
    const notifier = open(`Endpoint=http://127.0.0.1:1;AccessKey=${key};Version=1.0;`);
    await assert.rejects(notifier.send('ws-a', message), { code: 'unavailable', retryable: true });
  });

  test('ends when its caller gives up: while the service hangs, and while it asks to wait for an hour', async (t) => {
    for (const answer of [
      () => undefined,
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(429, { 'retry-after': '3600' }).end(),
    ]) {
      const aborted = new AbortController();
      const { seen, notifier } = await startService(t, (request, response) => {
        answer(request, response);
        setImmediate(() => aborted.abort());
      });
      await assert.rejects(notifier.send('ws-a', message, aborted.signal), { code: 'unavailable' });
      assert.equal(seen.requests, 1);
    }
  });
});
