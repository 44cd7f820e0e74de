/** Events to a handler: their form and order, and what its answers do. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { SendMessageError } from '@azure/web-pubsub-client';
import { plainSubprotocol, reliableSubprotocol } from '../../../local/web-pubsub/json-protocol.ts';
import { headerOf } from '../../../local/web-pubsub/webhook.ts';
import { type HandledEvent, type HandlerAnswer, startEventHandler } from './event-handler.ts';
import { accessKey, connectedOf, createRealtimeWorld, hub, openSocket, refusalOf } from './realtime-world.ts';

const isFailed = (error: unknown): boolean =>
  error instanceof SendMessageError && error.errorDetail?.name === 'InvocationFailed';

function answerOnly(type: string, answer: HandlerAnswer): (event: HandledEvent) => HandlerAnswer {
  return (event) => (event.type === type ? answer : { status: 204 });
}

test('the handler is asked first, then told of a connection from its beginning to its end', async (t) => {
  const handler = await startEventHandler(t);
  const { connect, endpoint } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const roles = ['webpubsub.joinLeaveGroup.ws-1', 'webpubsub.joinLeaveGroup.ws-2'];
  const { client, connectionId } = await connect({ userId: 'ada lovelace', roles });
  await client.sendEvent('presence', { folders: [1] }, 'json');
  await client.sendEvent('note', 'tēxt', 'text');
  await client.sendEvent('bytes', Uint8Array.from([0, 255]).buffer, 'binary');
  client.stop();
  await handler.seen('sys.disconnected');

  const [handshake, connect1, ...rest] = handler.events;
  assert.equal(handshake?.method, 'OPTIONS');
  assert.equal(handshake.headers['webhook-request-origin'], '127.0.0.1');
  assert.deepEqual(handler.types(), [
    'sys.connect',
    'sys.connected',
    'user.presence',
    'user.note',
    'user.bytes',
    'sys.disconnected',
  ]);
  const said = JSON.parse(connect1!.body.toString()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(said), ['claims', 'query', 'headers', 'subprotocols', 'clientCertificates']);
  const claims = said['claims'] as Record<string, string[]>;
  assert.deepEqual([claims['sub'], claims['role']], [['ada lovelace'], roles]);
  assert.deepEqual(claims['aud'], [`${endpoint}/client/hubs/${hub}`]);
  assert.deepEqual([said['query'], said['subprotocols'], said['clientCertificates']], [{}, [reliableSubprotocol], []]);
  assert.equal(connect1?.headers['ce-subprotocol'], undefined);
  const signature = `sha256=${createHmac('sha256', accessKey).update(connectionId).digest('hex')}`;
  const ids = new Set<unknown>();
  for (const { headers, method } of [connect1!, ...rest]) {
    assert.equal(method, 'POST');
    ids.add(headers['ce-id']);
    assert.deepEqual(
      ['specversion', 'source', 'signature', 'connectionid', 'hub', 'userid', 'awpsversion'].map(
        (name) => headers[`ce-${name}`],
      ),
      ['1.0', `/hubs/${hub}/client/${connectionId}`, signature, connectionId, hub, 'ada%20lovelace', '1.0'],
    );
    assert.equal(headers['webhook-request-origin'], '127.0.0.1');
    assert.ok(!Number.isNaN(Date.parse(String(headers['ce-time']))));
  }
  assert.equal(ids.size, 6);
  assert.deepEqual(
    rest.map(({ headers, body }) => [
      headers['ce-eventname'],
      headers['ce-subprotocol'],
      headers['content-type'],
      body.toString('latin1'),
    ]),
    [
      ['connected', reliableSubprotocol, 'application/json; charset=utf-8', '{}'],
      ['presence', reliableSubprotocol, 'application/json; charset=utf-8', '{"folders":[1]}'],
      ['note', reliableSubprotocol, 'text/plain; charset=utf-8', Buffer.from('tēxt').toString('latin1')],
      ['bytes', reliableSubprotocol, 'application/octet-stream', '\0\xff'],
      [
        'disconnected',
        reliableSubprotocol,
        'application/json; charset=utf-8',
        '{"reason":"The client closed (1005)."}',
      ],
    ],
  );
});

test('connect gives a user, groups, roles, a subprotocol and a state, and the state goes round', async (t) => {
  const handler = await startEventHandler(t);
  const { connect, service, urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const granted = {
    userId: 'bob',
    groups: ['g'],
    roles: ['webpubsub.joinLeaveGroup.h'],
    subprotocol: plainSubprotocol,
  };
  const states = ['eyJzZWF0cyI6IkFBIn0=', 'eyJzZWF0cyI6IkJCIn0='] as const;
  handler.answer = ({ type }) => {
    if (type === 'sys.connect')
      return { status: 200, headers: { 'ce-connectionState': states[0] }, body: JSON.stringify(granted) };
    return type === 'user.change' ? { status: 204, headers: { 'ce-connectionState': states[1] } } : { status: 204 };
  };
  const { client } = await connect({ userId: 'ada', plain: true });
  assert.deepEqual([await service.userExists('bob'), await service.userExists('ada')], [true, false]);
  assert.equal(await service.groupExists('g'), true);
  await client.joinGroup('h');
  await client.sendEvent('look', '', 'text');
  await client.sendEvent('change', '', 'text');
  await client.sendEvent('after', '', 'text');
  const seen = handler.events
    .filter(({ method }) => method === 'POST')
    .map(({ type, headers }) => [type, headers['ce-connectionstate'], headers['ce-userid']]);
  assert.deepEqual(seen, [
    ['sys.connect', undefined, 'ada'],
    ['sys.connected', states[0], 'bob'],
    ['user.look', states[0], 'bob'],
    ['user.change', states[0], 'bob'],
    ['user.after', states[1], 'bob'],
  ]);
  const refused = await refusalOf(openSocket(t, await urlOf(), reliableSubprotocol));
  assert.equal(refused.status, 500);
});

test('connect tells the query and the headers without what is secret in them', async (t) => {
  const handler = await startEventHandler(t);
  const { urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const url = await urlOf({ userId: 'ada' });
  const headers = { authorization: 'Basic c2VjcmV0', cookie: 'secret', 'x-device': 'd-1' };
  const opened = openSocket(t, `${url}&seats=AB-_&seats=CD`, reliableSubprotocol, { headers });
  await connectedOf(opened);
  const { body } = await handler.seen('sys.connect');
  const said = JSON.parse(body.toString()) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  assert.deepEqual(said['query'], { seats: ['AB-_', 'CD'] });
  assert.deepEqual(said['headers']?.['x-device'], ['d-1']);
  const token = new URL(url).searchParams.get('access_token')!;
  for (const secret of [token, 'secret', 'c2VjcmV0']) assert.ok(!body.includes(secret));
});

test('whom the handler refuses gets its status, and no other event follows', async (t) => {
  const handler = await startEventHandler(t);
  const { urlOf, server } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const expected: readonly (readonly [HandlerAnswer, number, RegExp])[] = [
    [{ status: 401, body: 'not yours' }, 401, /^not yours$/],
    [{ status: 403 }, 403, /^$/],
    [{ status: 500, body: 'a stack' }, 500, /failed/],
    [{ status: 302, headers: { location: handler.url } }, 500, /failed/],
    [{ status: 200, body: '{"groups":[""]}' }, 500, /cannot be read/],
    [{ status: 200, body: '{"roles":"all"}' }, 500, /cannot be read/],
    [{ status: 200, body: 'nonsense' }, 500, /no JSON/],
    [{ status: 200, body: '{"subprotocol":"mqtt"}' }, 500, /not offered/],
  ];
  for (const [answer, status, text] of expected) {
    handler.answer = () => answer;
    const refused = await refusalOf(openSocket(t, await urlOf()));
    assert.equal(refused.status, status);
    assert.match(refused.text, text);
  }
  handler.answer = () => ({ status: 200 });
  await connectedOf(openSocket(t, await urlOf()));
  assert.deepEqual([server.counters.refused, server.counters.opened], [expected.length, 1]);
  await handler.seen('sys.connected');
  assert.deepEqual(new Set(handler.types()), new Set(['sys.connect', 'sys.connected']));
});

test('user events are answered with data, and refused ones are told', async (t) => {
  const handler = await startEventHandler(t);
  const { connect } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const { client, heard, hears } = await connect();
  const answers: readonly HandlerAnswer[] = [
    { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"n": 1}' },
    { status: 200, headers: { 'content-type': 'text/plain' }, body: 'text' },
    { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: Uint8Array.from([1, 2]) },
    { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: '' },
    { status: 200, headers: { 'content-type': 'image/png' }, body: 'x' },
  ];
  for (const answer of answers) {
    handler.answer = () => answer;
    await client.sendEvent('ask', '', 'text');
  }
  handler.answer = () => ({ status: 400, body: 'no' });
  await assert.rejects(client.sendEvent('ask', '', 'text', { ackId: 1_000 }), isFailed);
  handler.answer = () => ({ status: 200 });
  const second = await client.sendEvent('ask', '', 'text', { ackId: 1_000 });
  const third = await client.sendEvent('ask', '', 'text', { ackId: 1_000 });
  assert.deepEqual([second.isDuplicated, third.isDuplicated], [false, true]);
  await hears(3);
  assert.deepEqual(heard, [{ n: 1 }, 'text', Uint8Array.from([1, 2]).buffer]);
  assert.equal(handler.types().filter((type) => type === 'user.ask').length, answers.length + 2);
});

test('an event without an ack id that fails ends the connection, and so does one that nobody handles', async (t) => {
  const handler = await startEventHandler(t);
  handler.answer = answerOnly('user.bad', { status: 500 });
  const { urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const socket = openSocket(t, await urlOf());
  await connectedOf(socket);
  socket.say({ type: 'event', event: 'good', dataType: 'text', data: '' });
  socket.say({ type: 'event', event: 'bad', dataType: 'text', data: '' });
  assert.equal(await socket.closed, 1_008);
  const disconnected = await handler.seen('sys.disconnected');
  assert.deepEqual(JSON.parse(disconnected.body.toString()), { reason: 'The event handler answered 500.' });

  const alone = await createRealtimeWorld(t);
  const { client } = await alone.connect();
  await assert.rejects(client.sendEvent('lost', '', 'text'), isFailed);
});

test('the events of a connection keep their order behind a slow one; other connections do not wait', async (t) => {
  const handler = await startEventHandler(t);
  const { connect } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const ada = await connect({ userId: 'ada' });
  const bob = await connect({ userId: 'bob' });
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  handler.answer = async ({ type }) => {
    if (type === 'user.slow') await released;
    return { status: 204 };
  };
  const slow = ada.client.sendEvent('slow', '', 'text');
  const after = [1, 2, 3].map((n) => ada.client.sendEvent(`after-${n}`, '', 'text'));
  await handler.seen('user.slow');
  await bob.client.sendEvent('quick', '', 'text');
  ada.client.stop();
  assert.ok(!handler.types().includes('user.after-1'));
  release();
  await Promise.allSettled([slow, ...after]);
  await handler.seen('sys.disconnected');
  const ofAda = handler.events.filter(({ headers }) => headers['ce-connectionid'] === ada.connectionId);
  assert.deepEqual(
    ofAda.map(({ type }) => type),
    ['sys.connect', 'sys.connected', 'user.slow', 'user.after-1', 'user.after-2', 'user.after-3', 'sys.disconnected'],
  );
});

test('a connection that recovers is not told as disconnected; one that does not come back is, after its time', async (t) => {
  const handler = await startEventHandler(t);
  const { connect, server, service, timers, urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const { client, connectionId, hears } = await connect({ userId: 'ada' });
  server.cut(hub, connectionId);
  await service.sendToConnection(connectionId, 'you are back', { contentType: 'text/plain' });
  await hears(1);
  assert.equal(server.counters.recovered, 1);
  await client.sendEvent('still-there', '', 'text');
  assert.deepEqual(handler.types(), ['sys.connect', 'sys.connected', 'user.still-there']);

  const gone = openSocket(t, await urlOf());
  const connected = await connectedOf(gone);
  server.cut(hub, connected.connectionId);
  await gone.closed;
  timers.advance(35_000);
  const { headers, body } = await handler.seen('sys.disconnected');
  assert.equal(headers['ce-connectionid'], connected.connectionId);
  assert.deepEqual(JSON.parse(body.toString()), { reason: 'The client did not come back.' });
});

test('whoever goes away before the handler has consented is told as disconnected', async (t) => {
  const handler = await startEventHandler(t);
  const { urlOf, server } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  handler.answer = async () => {
    await released;
    return { status: 204 };
  };
  const socket = openSocket(t, await urlOf());
  await handler.seen('sys.connect');
  socket.socket.terminate();
  await socket.closed;
  release();
  await handler.seen('sys.disconnected');
  assert.deepEqual(handler.types(), ['sys.connect', 'sys.disconnected']);
  assert.equal(server.counters.opened, 0);
});

test('attributes are encoded as CloudEvents has it', () => {
  assert.equal(headerOf('127.0.0.1|ada'), '127.0.0.1|ada');
  assert.equal(headerOf('a "b" 100% é\r\n'), 'a%20%22b%22%20100%25%20%C3%A9%0D%0A');
});
