/** Reliable connections that lose their sockets: nothing lost, nothing twice, and who may not come back. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { plainSubprotocol } from '../../../local/web-pubsub/json-protocol.ts';
import {
  type ConnectedFrame,
  type OpenSocket,
  type RealtimeWorld,
  connectedOf,
  createRealtimeWorld,
  hub,
  openSocket,
  until,
} from './realtime-world.ts';

const recoverMs = 35_000;
const lostCode = 1_006;
const policyCode = 1_008;

function recoveryUrl(world: RealtimeWorld, { connectionId, reconnectionToken }: ConnectedFrame, hubName = hub): string {
  const query = new URLSearchParams({ awps_connection_id: connectionId, awps_reconnection_token: reconnectionToken });
  return `${world.endpoint.replace('http', 'ws')}/client/hubs/${hubName}?${query.toString()}`;
}

function sequenceIdsOf({ frames }: OpenSocket): unknown[] {
  return frames.filter(({ type }) => type === 'message').map(({ sequenceId }) => sequenceId);
}

const isSequence = (wanted: number) => (frame: { readonly sequenceId?: unknown }) => frame.sequenceId === wanted;

async function loseSocket(world: RealtimeWorld, socket: OpenSocket, { connectionId }: ConnectedFrame): Promise<void> {
  world.server.cut(hub, connectionId);
  assert.equal(await socket.closed, lostCode);
}

async function openIn(t: TestContext, world: RealtimeWorld): Promise<readonly [OpenSocket, ConnectedFrame]> {
  const socket = openSocket(t, await world.urlOf({ userId: 'ada', groups: ['g'] }));
  return [socket, await connectedOf(socket)];
}

test('the official client hears everything once and in order, however often its socket is lost', async (t) => {
  const { connect, service, server, timers } = await createRealtimeWorld(t);
  const { client, connectionId, heard, hears } = await connect({ roles: ['webpubsub.joinLeaveGroup.g'] });
  await client.joinGroup('g');
  const opened: unknown[] = [];
  client.on('connected', (event) => opened.push(event));
  const count = 60;
  for (let n = 0; n < count; n++) {
    await service.group('g').sendToAll({ n });
    if (n % 10 !== 5) continue;
    const before = server.counters.recovered;
    server.cut(hub, connectionId);
    await service.group('g').sendToAll({ n: `in the gap after ${n}` });
    await until(t, () => server.counters.recovered > before);
  }
  const expected = Array.from({ length: count }, (_, n) =>
    n % 10 === 5 ? [{ n }, { n: `in the gap after ${n}` }] : [{ n }],
  ).flat();
  await hears(expected.length);
  assert.deepEqual(heard, expected);
  assert.deepEqual([opened, server.counters.opened, server.counters.ended], [[], 1, 0]);
  timers.advance(recoverMs);
  assert.equal(await service.connectionExists(connectionId), true);
});

test('a recovered socket gets what was not acknowledged, under the same ids, then what is new', async (t) => {
  const world = await createRealtimeWorld(t);
  const [first, connected] = await openIn(t, world);
  const send = (n: number): Promise<unknown> => world.service.group('g').sendToAll({ n });
  for (let n = 1; n <= 3; n++) await send(n);
  await first.frame(isSequence(3));
  first.say({ type: 'sequenceAck', sequenceId: 2 });
  first.say({ type: 'ping' });
  await first.frame(({ type }) => type === 'pong');
  await loseSocket(world, first, connected);
  await send(4);
  const second = openSocket(t, recoveryUrl(world, connected));
  assert.deepEqual(await connectedOf(second), { ...connected });
  await send(5);
  await second.frame(isSequence(5));
  assert.deepEqual(sequenceIdsOf(second), [3, 4, 5]);
  second.say({ type: 'sequenceAck', sequenceId: 99 });
  second.say({ type: 'ping' });
  await second.frame(({ type }) => type === 'pong');
  await loseSocket(world, second, connected);
  const third = openSocket(t, recoveryUrl(world, connected));
  await connectedOf(third);
  await send(6);
  await third.frame(isSequence(6));
  assert.deepEqual(sequenceIdsOf(third), [6]);
});

test('a second socket takes a connection over from a live one', async (t) => {
  const world = await createRealtimeWorld(t);
  const [first, connected] = await openIn(t, world);
  const second = openSocket(t, recoveryUrl(world, connected));
  assert.equal((await connectedOf(second)).connectionId, connected.connectionId);
  assert.equal(await first.closed, lostCode);
  await world.service.sendToConnection(connected.connectionId, { n: 1 });
  await second.frame(isSequence(1));
  world.timers.advance(recoverMs);
  assert.equal(await world.service.connectionExists(connected.connectionId), true);
});

test('nobody comes back too late, after a close on purpose, after a close by REST, or without the token', async (t) => {
  const world = await createRealtimeWorld(t);
  const refused = async (connected: ConnectedFrame, hubName = hub, subprotocol?: string): Promise<void> => {
    const socket = openSocket(t, recoveryUrl(world, connected, hubName), subprotocol);
    assert.equal(await socket.closed, policyCode);
    assert.deepEqual(socket.frames, []);
  };
  const [late, lateConnected] = await openIn(t, world);
  await loseSocket(world, late, lateConnected);
  const stranger = { ...lateConnected, reconnectionToken: lateConnected.reconnectionToken.replace(/^./, '_') };
  await refused(stranger);
  await refused({ ...lateConnected, reconnectionToken: '' });
  await refused(lateConnected, 'other');
  await refused(lateConnected, hub, plainSubprotocol);
  assert.equal(await world.service.connectionExists(lateConnected.connectionId), true);
  world.timers.advance(recoverMs);
  assert.equal(await world.service.connectionExists(lateConnected.connectionId), false);
  await refused(lateConnected);

  const [leaving, leavingConnected] = await openIn(t, world);
  leaving.socket.close();
  await leaving.closed;
  await refused(leavingConnected);

  const [closed, closedConnected] = await openIn(t, world);
  await world.service.closeConnection(closedConnected.connectionId, { reason: 'revoked' });
  assert.equal(await closed.closed, policyCode);
  await refused(closedConnected);
  assert.deepEqual(closed.frames.at(-1), { type: 'system', event: 'disconnected', message: 'revoked' });
});

test('the official client opens a new connection when the old one is gone, and joins its groups again', async (t) => {
  const { connect, service, server } = await createRealtimeWorld(t);
  const options = { autoReconnect: true };
  const { client, connectionId, heard, hears } = await connect({ roles: ['webpubsub.joinLeaveGroup.g'], options });
  await client.joinGroup('g');
  const again = new Promise<string>((resolve) => client.on('connected', (event) => resolve(event.connectionId)));
  await service.closeConnection(connectionId);
  assert.notEqual(await again, connectionId);
  await service.group('g').sendToAll({ n: 1 });
  await hears(1);
  assert.deepEqual([heard, server.counters.opened], [[{ n: 1 }], 2]);
});

test('a plain connection that lost its socket is gone', async (t) => {
  const world = await createRealtimeWorld(t);
  const socket = openSocket(t, await world.urlOf(), plainSubprotocol);
  const connected = await connectedOf(socket);
  assert.equal(connected.reconnectionToken, undefined);
  await loseSocket(world, socket, connected);
  await until(t, () => world.server.counters.ended === 1);
  assert.equal(await world.service.connectionExists(connected.connectionId), false);
});
