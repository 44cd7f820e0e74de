/** Clients with a good token, and strangers with none, who mean harm: what they do is theirs alone, and the endpoint serves the others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type Socket, connect as connectSocket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SignJWT } from 'jose';
import { reliableSubprotocol } from '../../../local/web-pubsub/json-protocol.ts';
import { startEventHandler } from './event-handler.ts';
import {
  type RealtimeWorld,
  accessKey,
  connectedOf,
  createRealtimeWorld,
  hub,
  openSocket,
  refusalOf,
  until,
} from './realtime-world.ts';

const policyCode = 1_008;

/** A socket to the endpoint that speaks no HTTP but what it is told. */
async function openRaw(t: TestContext, { endpoint }: RealtimeWorld): Promise<Socket> {
  const socket = connectSocket(Number(new URL(endpoint).port), '127.0.0.1');
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function assertServes(t: TestContext, { urlOf }: RealtimeWorld): Promise<void> {
  const socket = openSocket(t, await urlOf());
  await connectedOf(socket);
  socket.say({ type: 'ping' });
  await socket.frame(({ type }) => type === 'pong');
}

test('JSON that nests without end ends its connection, not the endpoint', async (t) => {
  const world = await createRealtimeWorld(t);
  const nested = '['.repeat(400_000) + ']'.repeat(400_000);
  for (const message of [
    `{"type":"event","event":"e","data":${nested}}`,
    `{"type":"sendToGroup","group":"g","data":${nested}}`,
    `{"type":"joinGroup","group":${nested}}`,
    nested,
  ]) {
    const socket = openSocket(t, await world.urlOf({ roles: ['webpubsub.sendToGroup'] }));
    await connectedOf(socket);
    socket.socket.send(message);
    assert.equal(await socket.closed, policyCode);
  }
  await assertServes(t, world);
});

test('pings are bounded as messages are, so that no pongs pile up for who reads none', async (t) => {
  const world = await createRealtimeWorld(t, { bounds: { messagesBurstMax: 20 } });
  const flood = openSocket(t, await world.urlOf());
  await connectedOf(flood);
  for (let n = 0; n < 30; n++) flood.socket.ping();
  assert.equal(await flood.closed, policyCode);
  assert.equal(world.server.counters.shedFloods, 1);
  const unasked = openSocket(t, await world.urlOf());
  await connectedOf(unasked);
  for (let n = 0; n < 30; n++) unasked.socket.pong();
  assert.equal(await unasked.closed, policyCode);
  await assertServes(t, world);
});

test("a client's token opens no REST, however the path is written", async (t) => {
  const world = await createRealtimeWorld(t);
  const { urlOf, endpoint, service } = world;
  const [victim, url] = [openSocket(t, await urlOf({ userId: 'victim' })), new URL(await urlOf({ userId: 'eve' }))];
  await connectedOf(victim);
  const token = url.searchParams.get('access_token')!;
  const home = `client/hubs/${hub}`;
  const statusOf = async (method: string, path: string): Promise<number | undefined> => {
    const { hostname, port } = new URL(endpoint);
    const asked = request({ hostname, port, method, path, headers: { authorization: `Bearer ${token}` } }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  const up = (separator: string, count: number): string => `..${separator}`.repeat(count);
  const paths = [
    `/api/hubs/${hub}/users/victim/groups/${up('\\', 6)}${home.replaceAll('/', '\\')}`,
    `/api/hubs/${hub}/users/victim/groups/x/${up('/', 7)}${home}`,
    `/api/hubs/${hub}/users/victim/groups/%2e%2e/${home}`,
    `/${home}/../../../api/hubs/${hub}/users/victim/groups/g`,
    `//${home}`,
  ];
  for (const path of paths) {
    for (const query of ['', '?api-version=2024-12-01']) {
      assert.equal(await statusOf('PUT', path + query), 404, path);
      assert.equal(await statusOf('HEAD', path + query), 404, path);
    }
  }
  for (const path of [`/api/hubs/${hub}/users/victim/:closeConnections`, `/api/hubs/${hub}/:generateToken`]) {
    assert.equal(await statusOf('POST', `${path}?api-version=2024-12-01`), 401);
  }
  assert.equal(await service.userExists('victim'), true);
  victim.say({ type: 'ping' });
  await victim.frame(({ type }) => type === 'pong');
});

test('a token with odd claims is refused, or means no more than it says', async (t) => {
  const handler = await startEventHandler(t);
  const world = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const { endpoint, clock } = world;
  const at = `${endpoint.replace('http', 'ws')}/client/hubs/${hub}`;
  const audience = [`${endpoint}/client/hubs/other`, `${endpoint}/client/hubs/${hub}`];
  const exp = Math.floor(clock.now() / 1_000) + 60;
  const urlFor = async (claims: object): Promise<string> => {
    const token = new SignJWT({ aud: audience, exp, ...claims }).setProtectedHeader({ alg: 'HS256' });
    return `${at}?access_token=${await token.sign(Buffer.from(accessKey))}`;
  };
  const bad: readonly object[] = [
    { sub: 7 },
    { sub: ['ada'] },
    { sub: { name: 'ada' } },
    { sub: null },
    { exp: '9999999999' },
    { exp: undefined },
    { exp: null },
    { nbf: exp },
    { nbf: 'never' },
    { aud: audience.slice(0, 1) },
    { aud: { url: audience[1] } },
    { pad: 'x'.repeat(13_000) },
  ];
  for (const claims of bad) {
    const { status } = await refusalOf(openSocket(t, await urlFor(claims)));
    assert.ok(status === 401 || status === 431, `${status}: ${JSON.stringify(claims).slice(0, 60)}`);
  }
  assert.deepEqual(handler.events, []);
  let deep: unknown = 'webpubsub.joinLeaveGroup';
  for (let n = 0; n < 2_000; n++) deep = [deep];
  const odd = JSON.parse('{"__proto__":{"sub":"eve","role":"webpubsub.joinLeaveGroup"}}') as object;
  const role = [deep, { role: 'webpubsub.joinLeaveGroup' }, 1, null, 'webpubsub.joinLeaveGroup.', 'joinLeaveGroup'];
  const socket = openSocket(t, await urlFor({ ...odd, role, constructor: 'x' }));
  assert.equal((await connectedOf(socket)).userId, undefined);
  for (const [ackId, group] of ['g', '__proto__', 'constructor', 'toString'].entries()) {
    socket.say({ type: 'joinGroup', group, ackId });
    assert.equal((await socket.frame((frame) => frame['ackId'] === ackId))['success'], false);
  }
  const { body } = await handler.seen('sys.connect');
  const { claims } = JSON.parse(body.toString()) as { readonly claims: Readonly<Record<string, unknown>> };
  assert.ok(Object.values(claims).every((one) => Array.isArray(one) && one.every((each) => typeof each === 'string')));
});

test('a group is joined under its own name and no other', async (t) => {
  const world = await createRealtimeWorld(t);
  const socket = openSocket(t, await world.urlOf({ roles: ['webpubsub.joinLeaveGroup.ws-1'] }));
  await connectedOf(socket);
  const others = ['WS-1', 'ws-1 ', ' ws-1', 'ws-1\0', 'ws-1.x', 'ws-', 'ws', '*', 'ws-*', 'ws-1,ws-2', 'ws-١'];
  for (const [ackId, group] of others.entries()) {
    for (const type of ['joinGroup', 'sendToGroup', 'leaveGroup']) {
      socket.say({ type, group, data: 1, ackId: ackId * 3 + type.length });
    }
  }
  socket.say({ type: 'joinGroup', group: 'ws-1', ackId: 1_000 });
  assert.equal((await socket.frame(({ ackId }) => ackId === 1_000))['success'], true);
  assert.deepEqual(
    socket.frames.filter(({ success }) => success === true).map(({ ackId }) => ackId),
    [1_000],
  );
  for (const group of others.filter((one) => one.trim() !== 'ws-1')) {
    assert.equal(await world.service.groupExists(group), false, group);
  }
});

test('ack ids of one connection say nothing to another, and no number of them is kept', async (t) => {
  const world = await createRealtimeWorld(t, { bounds: { ackIdsKept: 2, messagesBurstMax: 5_000 } });
  const [one, other] = [await world.urlOf(), await world.urlOf()].map((url) => openSocket(t, url));
  await Promise.all([connectedOf(one!), connectedOf(other!)]);
  const errorOf = async (socket: typeof one, ackId: number): Promise<unknown> => {
    const answered = socket!.frames.length;
    socket!.say({ type: 'leaveGroup', group: 'g', ackId });
    await until(t, () => socket!.frames.length > answered);
    return (socket!.frames.at(-1)!['error'] as { readonly name?: string }).name;
  };
  for (const ackId of [0, Number.MAX_SAFE_INTEGER]) {
    assert.equal(await errorOf(one, ackId), 'Forbidden');
    assert.equal(await errorOf(one, ackId), 'Forbidden', 'what was not carried out is no repeat');
    assert.equal(await errorOf(other, ackId), 'Forbidden');
  }
  one!.socket.send(`{"type":"joinGroup","group":"g","ackId":${2 ** 53}}`);
  assert.equal(await one!.closed, policyCode);
});

test('a connection is taken over with its own token only, whatever else is shown', async (t) => {
  const world = await createRealtimeWorld(t);
  const { urlOf, service } = world;
  const victim = openSocket(t, await urlOf({ userId: 'victim', groups: ['g'] }));
  const { connectionId, reconnectionToken } = await connectedOf(victim);
  const eves = openSocket(t, await urlOf({ userId: 'eve' }));
  const own = await connectedOf(eves);
  const base = `${world.endpoint.replace('http', 'ws')}/client/hubs/${hub}`;
  const tokens = [own.reconnectionToken, '', reconnectionToken.slice(0, -1), `${reconnectionToken}=`, connectionId];
  for (const token of tokens) {
    for (const url of [base, await urlOf({ userId: 'eve' })]) {
      const query = new URLSearchParams({ awps_connection_id: connectionId, awps_reconnection_token: token });
      const socket = openSocket(t, `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`);
      assert.equal(await socket.closed, policyCode);
      assert.deepEqual(socket.frames, []);
    }
  }
  await service.group('g').sendToAll({ n: 1 });
  await victim.frame(({ sequenceId }) => sequenceId === 1);
  const logged = world.logged.join('\n');
  for (const secret of [reconnectionToken, own.reconnectionToken, 'access_token', 'eyJ', accessKey]) {
    assert.ok(!logged.includes(secret), 'a secret is in the log');
  }
});

test('a request that never comes to its end is ended, and sockets are bounded', async (t) => {
  const world = await createRealtimeWorld(t, { bounds: { headersMs: 50, requestMs: 50, socketsMax: 3 } });
  const half = `GET /client/hubs/${hub} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-A: `;
  const body = `POST /api/hubs/${hub}/:send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n`;
  const slow = [await openRaw(t, world), await openRaw(t, world), await openRaw(t, world)];
  const ends = slow.map((socket) => once(socket, 'close'));
  slow[0]!.write(half);
  slow[1]!.write('G');
  slow[2]!.write(body);
  const tooMany = await openRaw(t, world);
  await once(tooMany, 'close');
  for (const socket of slow) socket.resume();
  await Promise.all(ends);
  await assertServes(t, world);
});

test('headers and a path that are too large or no URL are refused, whoever sends them', async (t) => {
  const world = await createRealtimeWorld(t);
  const url = await world.urlOf();
  const headers = { 'x-large': 'x'.repeat(20_000) };
  assert.equal((await refusalOf(openSocket(t, url, reliableSubprotocol, { headers }))).status, 431);
  for (const target of ['*', 'http://[', '/client/hubs/%zz', `/client/hubs/${hub}?access_token=%`, '/%00']) {
    const socket = await openRaw(t, world);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13';
    const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`;
    const lines = [`GET ${target} HTTP/1.1`, 'Host: x', upgrade, key, `Sec-WebSocket-Protocol: ${reliableSubprotocol}`];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 40[014]/, target);
  }
  await assertServes(t, world);
});

test('names of the query and the headers that objects have already reach the handler as they are', async (t) => {
  const handler = await startEventHandler(t);
  const { urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const query = '&__proto__=a&constructor=b&__proto__=c&seats=%00%0d%0ace-userId:%20eve';
  const headers = { ['__proto__']: 'x', constructor: 'x' };
  await connectedOf(openSocket(t, `${await urlOf({ userId: 'ada' })}${query}`, reliableSubprotocol, { headers }));
  const event = await handler.seen('sys.connect');
  const said = JSON.parse(event.body.toString()) as Readonly<Record<string, object>>;
  assert.deepEqual(Object.entries(said['query']!), [
    ['__proto__', ['a', 'c']],
    ['constructor', ['b']],
    ['seats', ['\0\r\nce-userId: eve']],
  ]);
  assert.equal(event.headers['ce-userid'], 'ada');
});
