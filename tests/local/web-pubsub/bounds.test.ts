/** What a client cannot do to the others: flood, read nothing, be too many, be silent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { SendMessageError } from '@azure/web-pubsub-client';
import { plainSubprotocol, reliableSubprotocol } from '../../../local/web-pubsub/json-protocol.ts';
import { startEventHandler } from './event-handler.ts';
import { connectedOf, createRealtimeWorld, hub, openSocket, refusalOf, until } from './realtime-world.ts';

const policyCode = 1_008;
const keepAliveMs = 20_000;

test('a flood ends its connection for good and nobody else’s', async (t) => {
  const bounds = { messagesBurstMax: 20, messagesPerSecondMax: 10 };
  const { urlOf, server, clock, service } = await createRealtimeWorld(t, { bounds });
  const other = openSocket(t, await urlOf({ groups: ['g'] }));
  await connectedOf(other);
  const flood = openSocket(t, await urlOf());
  const { connectionId } = await connectedOf(flood);
  for (let n = 0; n < 20; n++) flood.say({ type: 'ping' });
  await until(t, () => server.counters.received === 20);
  clock.advance(1_000);
  for (let n = 0; n < 50; n++) flood.say({ type: 'ping' });
  assert.equal(await flood.closed, policyCode);
  assert.equal(flood.frames.filter(({ type }) => type === 'pong').length, 30);
  assert.equal(flood.frames.at(-1)?.['event'], 'disconnected');
  assert.deepEqual([server.counters.shedFloods, server.counters.ended], [1, 1]);
  assert.equal(await service.connectionExists(connectionId), false);
  await service.group('g').sendToAll({ n: 1 });
  await other.frame(({ sequenceId }) => sequenceId === 1);
});

for (const subprotocol of [plainSubprotocol, reliableSubprotocol]) {
  test(`a client of ${subprotocol} that reads nothing is dropped before much waits for it`, async (t) => {
    const { urlOf, server, service } = await createRealtimeWorld(t);
    const stalled = openSocket(t, await urlOf({ groups: ['g'] }), subprotocol);
    const { connectionId } = await connectedOf(stalled);
    const other = openSocket(t, await urlOf({ groups: ['g'] }));
    await connectedOf(other);
    stalled.socket.pause();
    const bytes = 250_000;
    const message = 'x'.repeat(bytes);
    let sent = 0;
    while (await service.connectionExists(connectionId)) {
      // Loopback sockets take some megabytes themselves.
      assert.ok(sent * bytes < 40_000_000, 'what waits is not bounded');
      await service.group('g').sendToAll(message, { contentType: 'text/plain' });
      sent += 1;
      await other.frame(({ sequenceId }) => sequenceId === sent);
      other.say({ type: 'sequenceAck', sequenceId: sent });
    }
    assert.ok(subprotocol === plainSubprotocol || sent * bytes <= 2_250_000);
    assert.equal(server.counters.shedSlow, 1);
    stalled.socket.resume();
    assert.equal(await stalled.closed, 1_006);
  });
}

test('messages for a client that acknowledges nothing, or is away, are bounded in number', async (t) => {
  const bounds = { unacknowledgedMessagesMax: 5 };
  const { urlOf, server, service } = await createRealtimeWorld(t, { bounds });
  const silent = openSocket(t, await urlOf());
  const { connectionId } = await connectedOf(silent);
  for (let n = 0; n < 5; n++) await service.sendToConnection(connectionId, { n });
  assert.equal(await service.connectionExists(connectionId), true);
  await service.sendToConnection(connectionId, { n: 5 });
  assert.equal(await service.connectionExists(connectionId), false);
  assert.equal(await silent.closed, 1_006);

  const away = openSocket(t, await urlOf({ userId: 'away' }));
  server.cut(hub, (await connectedOf(away)).connectionId);
  await away.closed;
  for (let n = 0; n < 6; n++) await service.sendToUser('away', { n });
  assert.equal(await service.userExists('away'), false);
  assert.equal(server.counters.shedSlow, 2);
});

test('a frame or a message that is too large, or is none, ends the connection', async (t) => {
  const { urlOf, server } = await createRealtimeWorld(t, { bounds: { frameBytesMax: 1_000 } });
  const says: readonly (readonly [string, number])[] = [
    [JSON.stringify({ type: 'ping', pad: 'x'.repeat(1_000) }), 1_009],
    ['nonsense', policyCode],
    ['[]', policyCode],
    ['{"type":"joinGroup"}', policyCode],
    ['{"type":"joinGroup","group":"g","ackId":-1}', policyCode],
    ['{"type":"event","event":"e","dataType":"binary","data":"***"}', policyCode],
    ['{"type":"event","event":"two words","dataType":"text","data":""}', policyCode],
    ['{"type":"streamData","streamId":"s"}', policyCode],
    ['{"type":"sendToGroup","group":"g","stream":{"streamId":"s"}}', policyCode],
  ];
  for (const [text, code] of says) {
    const socket = openSocket(t, await urlOf());
    await connectedOf(socket);
    socket.socket.send(text);
    assert.equal(await socket.closed, code, text.slice(0, 60));
  }
  await until(t, () => server.counters.ended === says.length);
});

test('what is not served is answered where an answer is possible', async (t) => {
  const { urlOf } = await createRealtimeWorld(t);
  const socket = openSocket(t, await urlOf());
  await connectedOf(socket);
  socket.say({ type: 'setGroupState', group: 'g', ackId: 1 });
  const ack = await socket.frame(({ ackId }) => ackId === 1);
  assert.equal((ack['error'] as { readonly name: string }).name, 'NotSupported');
  socket.say({ type: 'invoke', invocationId: 'i', target: 'event', event: 'e' });
  const response = await socket.frame(({ type }) => type === 'invokeResponse');
  assert.deepEqual([response['invocationId'], response['success']], ['i', false]);
});

test('connections are bounded, and so are the groups of one', async (t) => {
  const bounds = { connectionsMax: 2, groupsPerConnectionMax: 2 };
  const { connect, urlOf, service } = await createRealtimeWorld(t, { bounds });
  const { client, connectionId } = await connect({ roles: ['webpubsub.joinLeaveGroup'] });
  await client.joinGroup('a');
  await client.joinGroup('b');
  await client.joinGroup('a');
  await assert.rejects(client.joinGroup('c'), SendMessageError);
  await assert.rejects(service.group('c').addConnection(connectionId));
  await client.leaveGroup('a');
  await client.joinGroup('c');
  const second = openSocket(t, await urlOf());
  await connectedOf(second);
  assert.equal((await refusalOf(openSocket(t, await urlOf()))).status, 429);
  second.socket.close();
  await second.closed;
  await connectedOf(openSocket(t, await urlOf()));
});

test('a connection that is being let in counts, so a slow handler is not asked by everybody', async (t) => {
  const handler = await startEventHandler(t);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  handler.answer = async () => {
    await released;
    return { status: 204 };
  };
  const { urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url, bounds: { connectionsMax: 1 } });
  const first = openSocket(t, await urlOf());
  await handler.seen('sys.connect');
  assert.equal((await refusalOf(openSocket(t, await urlOf()))).status, 429);
  release();
  await connectedOf(first);
});

test('events that wait for a slow handler are bounded, and those past it are told', async (t) => {
  const handler = await startEventHandler(t);
  const { connect } = await createRealtimeWorld(t, { webhookUrl: handler.url, bounds: { eventsPendingMax: 2 } });
  const { client } = await connect();
  await handler.seen('sys.connected');
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  handler.answer = async () => {
    await released;
    return { status: 204 };
  };
  const sent = [client.sendEvent('e', '', 'text'), client.sendEvent('e', '', 'text')];
  await handler.seen('user.e');
  await assert.rejects(
    client.sendEvent('e', '', 'text'),
    (error) => error instanceof SendMessageError && error.errorDetail?.name === 'InternalServerError',
  );
  release();
  await Promise.all(sent);
});

test('sockets are pinged, and those that give no sign of life are dropped', async (t) => {
  const { urlOf, timers, server } = await createRealtimeWorld(t);
  const alive = openSocket(t, await urlOf());
  const dead = openSocket(t, await urlOf(), plainSubprotocol, { autoPong: false });
  await Promise.all([connectedOf(alive), connectedOf(dead)]);
  const pinged = Promise.all([once(alive.socket, 'ping'), once(dead.socket, 'ping')]);
  timers.advance(keepAliveMs);
  await pinged;
  // Its pong went before this on the same socket.
  alive.say({ type: 'ping' });
  await alive.frame(({ type }) => type === 'pong');
  timers.advance(keepAliveMs);
  assert.equal(await dead.closed, 1_006);
  await until(t, () => server.counters.ended === 1);
  alive.say({ type: 'sequenceAck', sequenceId: 0 });
  assert.equal(alive.socket.readyState, alive.socket.OPEN);
});

test('a peer that does not answer a close is cut, and an end of the endpoint waits for nobody', async (t) => {
  const { urlOf, service, timers, server } = await createRealtimeWorld(t);
  const deaf = openSocket(t, await urlOf({ userId: 'deaf' }));
  await connectedOf(deaf);
  deaf.socket.pause();
  await service.closeUserConnections('deaf');
  const before = timers.pending;
  timers.advance(2_000);
  assert.equal(timers.pending, before - 1);
  const kept = openSocket(t, await urlOf());
  await connectedOf(kept);
  kept.socket.pause();
  const closed = server.close(1_000);
  timers.advance(1_000);
  await closed;
});
