/** The webhook of Web PubSub events: what is let in, what a function gets, and what its answer becomes. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { WebPubSubTriggerOptions } from '@azure/functions';
import { type FunctionsHost, createFunctionsHost } from '../../../local/host/functions-host.ts';
import { encodeStates } from '../../../local/host/web-pubsub-event.ts';
import { type LogLine, createRecordingLogger } from './recording-logger.ts';
import { hostJson } from './started-host.ts';

const accessKey = Buffer.alloc(32, 7).toString('base64');
const otherKey = Buffer.alloc(32, 8).toString('base64');
const settings = {
  WebPubSubConnectionString: `Endpoint=http://127.0.0.1:7075;AccessKey=${accessKey};Version=1.0;`,
  Second: `Endpoint=https://second.example;AccessKey=${otherKey};Version=1.0;`,
  HUB: 'tidemark',
};

interface Input {
  readonly connectionContext: Readonly<Record<string, unknown>>;
  readonly [part: string]: unknown;
}

const seen: Input[] = [];
/** What the next function returns, or throws when it is an error. */
let returned: unknown;

function handler(input: Input): unknown {
  seen.push(input);
  if (returned instanceof Error) throw returned;
  return returned;
}

const common = { hub: '%HUB%', name: 'request' } as const;
const functions: Readonly<Record<string, WebPubSubTriggerOptions>> = {
  onConnect: { ...common, eventType: 'system', eventName: 'connect' },
  onConnected: { ...common, eventType: 'system', eventName: 'connected' },
  onDisconnected: { ...common, eventType: 'system', eventName: 'disconnected' },
  onNote: { ...common, eventType: 'user', eventName: 'note' },
  onData: { ...common, name: 'data', eventType: 'user', eventName: 'data' },
  onNothing: { ...common, name: 'nonsense', eventType: 'user', eventName: 'nothing' },
  onSecond: { ...common, eventType: 'user', eventName: 'second', connections: ['Second', 'Third'] },
  onUnset: { ...common, eventType: 'user', eventName: 'unset', connections: ['Third'] },
};

async function register(options: Readonly<Record<string, WebPubSubTriggerOptions>>): Promise<void> {
  const { app } = await import('@azure/functions');
  for (const [name, each] of Object.entries(options)) app.webPubSub(name, { ...each, handler: handler as () => void });
}

const connectionId = 'c-1';

function sign(key: string, id = connectionId): string {
  return `sha256=${createHmac('sha256', key).update(id).digest('hex')}`;
}

function headersOf(type: 'sys' | 'user', eventName: string): Record<string, string> {
  return {
    'webhook-request-origin': '127.0.0.1',
    'content-type': 'application/json; charset=utf-8',
    'ce-specversion': '1.0',
    'ce-type': `azure.webpubsub.${type}.${eventName}`,
    'ce-source': `/hubs/tidemark/client/${connectionId}`,
    'ce-id': '1',
    'ce-time': '2026-01-01T00:00:00Z',
    'ce-signature': sign(accessKey),
    'ce-userid': 'issuer|ann',
    'ce-connectionid': connectionId,
    'ce-hub': 'tidemark',
    'ce-eventname': eventName,
  };
}

let host: FunctionsHost;
let webhook: string;
let lines: readonly LogLine[];

before(async () => {
  const logger = createRecordingLogger();
  ({ lines } = logger);
  host = createFunctionsHost({ entry: () => register(functions), hostJson, logger, settings });
  await host.start();
  webhook = `${(await host.listen({ host: '127.0.0.1', port: 0 })).url}/runtime/webhooks/webpubsub`;
});
after(() => host.close());
beforeEach(() => {
  seen.length = 0;
  returned = undefined;
});

type Headers = Readonly<Record<string, string | undefined>>;

function post(headers: Headers, body: string | Uint8Array = '{}', method = 'POST'): Promise<Response> {
  const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return fetch(webhook, { method, headers: present, ...(method === 'POST' && { body: Buffer.from(body) }) });
}

async function sendUser(name: string, body: string | Uint8Array = '{}', headers: Headers = {}): Promise<Response> {
  return post({ ...headersOf('user', name), ...headers }, body);
}

describe('the handshake', () => {
  const ask = (origin?: string): Promise<Response> => post({ 'webhook-request-origin': origin }, '', 'OPTIONS');

  it('lets in the services of the functions, and no others', async () => {
    for (const origin of ['127.0.0.1', 'second.example', 'elsewhere.example, SECOND.example']) {
      const response = await ask(origin);
      assert.deepEqual([response.status, response.headers.get('webhook-allowed-origin')], [200, '*'], origin);
    }
    for (const origin of ['elsewhere.example', '127.0.0.1:7075', '', undefined]) {
      const response = await ask(origin);
      assert.deepEqual([response.status, response.headers.get('webhook-allowed-origin')], [400, null], origin);
    }
  });
});

describe('an event is refused', () => {
  const refused = async (headers: Headers, status: number, body = '{}', method = 'POST'): Promise<void> => {
    const response = await post({ ...headersOf('user', 'note'), ...headers }, body, method);
    assert.equal(response.status, status, JSON.stringify(headers));
    assert.deepEqual(seen, [], JSON.stringify(headers));
  };

  it('without a signature, or with one of another key, connection or form', async () => {
    const hex = sign(accessKey).slice('sha256='.length);
    const wrong = [undefined, '', 'sha256=', hex, `sha1=${hex}`, `sha256=${hex.slice(2)}`, `sha256=${hex}00`];
    const foreign = [sign(otherKey), sign(accessKey, 'c-2'), `sha256=${'0'.repeat(64)}`, `sha256=${'z'.repeat(64)}`];
    for (const signature of [...wrong, ...foreign]) await refused({ 'ce-signature': signature }, 401);
    await refused({ 'ce-connectionid': 'c-2' }, 401);
  });

  it('of an origin that is none of its services, and when no service is known', async () => {
    await refused({ 'webhook-request-origin': 'elsewhere.example' }, 401);
    await refused({ 'webhook-request-origin': 'second.example', 'ce-signature': sign(otherKey) }, 401);
    await refused({ 'ce-eventname': 'second' }, 401);
    await refused({ 'ce-eventname': 'unset' }, 401);
  });

  it('that no function is for', async () => {
    await refused({ 'ce-eventname': 'other' }, 404);
    await refused({ 'ce-hub': 'other' }, 404);
    await refused({ 'ce-type': 'azure.webpubsub.sys.note' }, 404);
    await refused({ ...headersOf('sys', 'connect'), 'ce-type': 'azure.webpubsub.user.connect' }, 404);
  });

  it('that lacks what every event has, is no post, or has a body of another form', async () => {
    for (const name of ['ce-type', 'ce-hub', 'ce-connectionid', 'ce-eventname', 'webhook-request-origin']) {
      await refused({ [name]: undefined }, 400);
    }
    for (const states of ['{', Buffer.from('[]').toString('base64'), Buffer.from('{"a":"e"}').toString('base64')]) {
      await refused({ 'ce-connectionstate': states }, 400);
    }
    await refused({}, 400, '', 'GET');
    await refused({ 'content-type': 'application/xml' }, 400);
    await refused({ 'content-type': undefined }, 400);
    const connect = headersOf('sys', 'connect');
    for (const body of [
      '',
      '{',
      '[]',
      '{"claims":[]}',
      '{"query":{"a":"b"}}',
      '{"query":{"a":[1]}}',
      '{"subprotocols":1}',
    ]) {
      await refused(connect, 400, body);
    }
  });

  it('that is over a mebibyte', async () => {
    await refused({}, 413, ' '.repeat(1024 * 1024 + 1));
  });
});

describe('a function gets', () => {
  it('of a connect: who asks, by which claims and with which query', async () => {
    const body = {
      claims: { role: ['webpubsub.joinLeaveGroup.a', 'webpubsub.joinLeaveGroup.b'], sub: ['issuer|ann'] },
      query: { seats: ['AAAA'], twice: ['1', '2'] },
      headers: { 'user-agent': ['x'] },
      subprotocols: ['json.reliable.webpubsub.azure.v1'],
      clientCertificates: [],
    };
    assert.equal((await post(headersOf('sys', 'connect'), JSON.stringify(body))).status, 200);
    const [{ connectionContext, ...rest } = assert.fail()] = seen;
    assert.deepEqual(rest, body);
    const { headers, ...context } = connectionContext;
    assert.deepEqual(context, {
      eventType: 'System',
      eventName: 'connect',
      hub: 'tidemark',
      connectionId,
      userId: 'issuer|ann',
      signature: sign(accessKey),
      origin: '127.0.0.1',
      states: {},
    });
    assert.deepEqual((headers as Record<string, unknown>)['ce-id'], ['1']);
  });

  it('of a connect without claims and query: none', async () => {
    await post({ ...headersOf('sys', 'connect'), 'ce-userid': undefined }, '{"claims":null}');
    const { claims, query, subprotocols, connectionContext } = seen[0]!;
    assert.deepEqual([claims, query, subprotocols, connectionContext['userId']], [{}, {}, [], null]);
  });

  it('of a connection that began or ended: its states, and the reason', async () => {
    const states = { 'ce-connectionstate': encodeStates({ seats: 'AAAA', n: [1] }) };
    returned = { code: 'unauthorized', errorMessage: 'nobody reads this' };
    assert.equal((await post({ ...headersOf('sys', 'connected'), ...states })).status, 200);
    const reason = JSON.stringify({ reason: 'gone' });
    assert.equal((await post({ ...headersOf('sys', 'disconnected'), ...states }, reason)).status, 200);
    returned = new Error('failed');
    assert.equal((await post(headersOf('sys', 'disconnected'))).status, 200);
    assert.deepEqual(
      seen.map(({ connectionContext, reason: why }) => [connectionContext['states'], why]),
      [
        [{ seats: 'AAAA', n: [1] }, undefined],
        [{ seats: 'AAAA', n: [1] }, 'gone'],
        [{}, null],
      ],
    );
  });

  it('of a message: its data as text, and their type', async () => {
    await sendUser('note', '{"a":1}');
    await sendUser('note', 'grüße', { 'content-type': 'text/plain' });
    await sendUser('note', Uint8Array.of(104, 105), { 'content-type': 'application/octet-stream' });
    assert.deepEqual(
      seen.map(({ data, dataType }) => [data, dataType]),
      [
        ['{"a":1}', 'Json'],
        ['grüße', 'Text'],
        ['hi', 'Binary'],
      ],
    );
  });

  it('the part that its binding is named after', async () => {
    await sendUser('data', 'plain', { 'content-type': 'text/plain' });
    await sendUser('nothing');
    assert.deepEqual(seen, ['plain', null] as unknown[]);
  });

  it('events whatever their case, of the second of several signatures, and of any of its services', async () => {
    const shouting = { 'ce-hub': 'TIDEMARK', 'ce-type': 'Azure.WebPubSub.User.Note', 'ce-eventname': 'NOTE' };
    assert.equal((await sendUser('note', '{}', shouting)).status, 200);
    const two = `${sign(otherKey)},${sign(accessKey).toUpperCase().replace('SHA256', 'sha256')}`;
    assert.equal((await sendUser('note', '{}', { 'ce-signature': two })).status, 200);
    const second = { 'webhook-request-origin': 'second.example', 'ce-signature': sign(otherKey) };
    assert.equal((await sendUser('second', '{}', second)).status, 200);
    assert.equal(seen.length, 3);
  });
});

describe('a function answers', () => {
  const connect = async (): Promise<Response> => post(headersOf('sys', 'connect'));

  it('a connect with who may do what, and with states', async () => {
    returned = { userId: 'ann', groups: ['g'], subprotocol: 's', roles: ['r'], states: { seats: 'AAAA' } };
    const response = await connect();
    assert.deepEqual(await response.json(), { userId: 'ann', groups: ['g'], subprotocol: 's', roles: ['r'] });
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.equal(response.headers.get('ce-connectionstate'), encodeStates({ seats: 'AAAA' }));
  });

  it('a refusal with its code and message', async () => {
    for (const [code, status] of [
      ['unauthorized', 401],
      ['userError', 400],
      ['serverError', 500],
      ['Unauthorized', 401],
      ['nonsense', 500],
    ] as const) {
      returned = { code, errorMessage: 'why' };
      const response = await connect();
      assert.deepEqual([response.status, await response.text()], [status, 'why'], code);
      assert.equal((await sendUser('note')).status, status, code);
    }
    returned = { code: 'success' };
    assert.equal((await connect()).status, 200);
  });

  it('nothing: the event is accepted; a value that is no object is not heard, a list is an error', async () => {
    for (const [value, status] of [
      [undefined, 200],
      [null, 200],
      ['text', 200],
      [5, 200],
      [[], 500],
      [{ roles: 'r' }, 500],
      [{ groups: [1] }, 500],
      [{ userId: 1 }, 500],
    ] as const) {
      returned = value;
      const response = await connect();
      assert.deepEqual(
        [response.status, response.headers.get('ce-connectionstate')],
        [status, null],
        JSON.stringify(value),
      );
    }
  });

  it('with an error: it failed, and its words stay here', async () => {
    returned = new Error('secret detail');
    for (const response of [await connect(), await sendUser('note')]) {
      assert.equal(response.status, 500);
      assert.equal(await response.text(), 'the function failed');
    }
  });

  it('a message with data of each type', async () => {
    const answer = async (value: unknown): Promise<readonly [number, string | null, string]> => {
      returned = value;
      const response = await sendUser('note');
      return [response.status, response.headers.get('content-type'), await response.text()];
    };
    assert.deepEqual(await answer({ data: 'hi', dataType: 'text' }), [200, 'text/plain', 'hi']);
    assert.deepEqual(await answer({ data: '{"a":1}', dataType: 'json' }), [200, 'application/json', '{"a":1}']);
    const bytes = { data: Buffer.from('hi'), dataType: 'binary' };
    assert.deepEqual(await answer(bytes), [200, 'application/octet-stream', 'hi']);
    assert.equal((await answer({ data: { a: 1 }, dataType: 'json' }))[0], 500);
    assert.equal((await answer({ data: 'x', dataType: 'picture' }))[0], 500);
  });

  it('with states: they are added to those that there are', async () => {
    const before = encodeStates({ a: 1, b: 2 });
    const sendWith = async (value: unknown): Promise<string | null> => {
      returned = value;
      const response = await sendUser('note', '{}', { 'ce-connectionstate': before });
      return response.headers.get('ce-connectionstate');
    };
    assert.equal(await sendWith({ states: { b: 3, c: null } }), encodeStates({ a: 1, b: 3, c: null }));
    assert.equal(await sendWith({}), before);
    assert.equal(await sendWith({ states: 'none' }), before);
  });
});

describe('the host', () => {
  it('refuses two functions for one event, and a connection string that is none, without telling it', async () => {
    const start = async (options: Readonly<Record<string, WebPubSubTriggerOptions>>, more: object): Promise<void> => {
      const entry = (): Promise<void> => register(options);
      const other = createFunctionsHost({
        entry,
        hostJson,
        logger: createRecordingLogger(),
        settings: { ...settings, ...more },
      });
      await other.start();
    };
    const twice = { one: functions['onNote']!, two: { ...functions['onNote']!, hub: 'TIDEMARK', eventName: 'Note' } };
    await assert.rejects(start(twice, {}), /"one" and "two" are for the same Web PubSub event/);
    for (const connection of ['nonsense', 'Endpoint=http://127.0.0.1', `AccessKey=${accessKey}`]) {
      await assert.rejects(
        start({ one: functions['onNote']! }, { WebPubSubConnectionString: connection }),
        (error: Error) => /no endpoint or no access key/.test(error.message) && !error.message.includes(accessKey),
      );
    }
  });

  it('logs the function, and neither bodies nor signatures', async () => {
    await sendUser('note', '{"word":"xyzzy"}');
    const text = JSON.stringify(lines);
    assert.match(text, /webhooks\/webpubsub\/onNote/);
    assert.doesNotMatch(text, /xyzzy|sha256=/);
  });
});
