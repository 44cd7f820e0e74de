/** The official packages before the local endpoint: who may join, and what reaches whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendMessageError } from '@azure/web-pubsub-client';
import { createRealtimeWorld } from './realtime-world.ts';

const mayJoin = ['webpubsub.joinLeaveGroup.ws-1'];
const mayAll = ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup'];

const isRefused = (name: string) => (error: unknown) =>
  error instanceof SendMessageError && error.errorDetail?.name === name;

for (const plain of [false, true]) {
  const kind = plain ? 'plain' : 'reliable';

  test(`a ${kind} client joins the group of its role and hears what REST sends there: text, JSON and bytes`, async (t) => {
    const { connect, service } = await createRealtimeWorld(t);
    const { client, heard, hears } = await connect({ userId: 'ada', roles: mayJoin, plain });
    await client.joinGroup('ws-1');
    const group = service.group('ws-1');
    const bytes = Uint8Array.from([0, 1, 2, 254, 255]);
    await group.sendToAll('tēxt', { contentType: 'text/plain' });
    await group.sendToAll({ hello: ['world'] });
    await group.sendToAll(bytes);
    await group.sendToAll('');
    await hears(4);
    assert.deepEqual(heard, ['tēxt', { hello: ['world'] }, bytes.buffer, '']);
  });
}

test('without its role nobody joins, leaves or sends, and the connection stays', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { client, connectionId } = await connect({ roles: mayJoin });
  await assert.rejects(client.joinGroup('ws-2'), isRefused('Forbidden'));
  await assert.rejects(client.leaveGroup('ws-2'), isRefused('Forbidden'));
  await assert.rejects(client.sendToGroup('ws-1', 'text', 'text'), isRefused('Forbidden'));
  await client.joinGroup('ws-1');
  await client.leaveGroup('ws-1');
  assert.equal(await service.groupExists('ws-1'), false);
  assert.equal(await service.connectionExists(connectionId), true);
});

test('groups of the token are joined from the start', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { hears, heard } = await connect({ groups: ['ws-1', 'ws-2'] });
  await service.group('ws-2').sendToAll({ to: 2 });
  await hears(1);
  assert.deepEqual(heard, [{ to: 2 }]);
});

test('clients send to groups: bytes arrive as they are, the sender hears itself unless it wants no echo', async (t) => {
  const { connect } = await createRealtimeWorld(t);
  const ada = await connect({ userId: 'ada', roles: mayAll, groups: ['g'] });
  const bob = await connect({ userId: 'bob', groups: ['g'], plain: true });
  const from: unknown[] = [];
  bob.client.on('group-message', ({ message }) => from.push([message.group, message.fromUserId, message.dataType]));
  const bytes = Uint8Array.from([9, 8, 7]).buffer;
  await ada.client.sendToGroup('g', bytes, 'binary', { noEcho: true });
  await ada.client.sendToGroup('g', { n: 1 }, 'json');
  await bob.hears(2);
  assert.deepEqual(bob.heard, [bytes, { n: 1 }]);
  assert.deepEqual(from, [
    ['g', 'ada', 'binary'],
    ['g', 'ada', 'json'],
  ]);
  await ada.hears(1);
  assert.deepEqual(ada.heard, [{ n: 1 }]);
});

test('a request that is repeated with its ack id is carried out once', async (t) => {
  const { connect } = await createRealtimeWorld(t);
  const { client, heard, hears } = await connect({ roles: mayAll, groups: ['g'] });
  const first = await client.sendToGroup('g', 'once', 'text', { ackId: 7 });
  const second = await client.sendToGroup('g', 'once', 'text', { ackId: 7 });
  await client.sendToGroup('g', 'end', 'text');
  await hears(2);
  assert.deepEqual([first.isDuplicated, second.isDuplicated, heard], [false, true, ['once', 'end']]);
});

test('a request that was refused is not taken for carried out when it comes again', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { client, connectionId } = await connect();
  await assert.rejects(client.joinGroup('g', { ackId: 7 }), isRefused('Forbidden'));
  await service.grantPermission(connectionId, 'joinLeaveGroup', { targetName: 'g' });
  const joined = await client.joinGroup('g', { ackId: 7 });
  assert.equal(joined.isDuplicated, false);
  assert.equal(await service.groupExists('g'), true);
});

test('REST sends to everybody, a user, and a connection, and leaves out who is excluded or filtered', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const ada = await connect({ userId: "ada's|1", groups: ['g'] });
  const other = await connect({ userId: "ada's|1", plain: true });
  const bob = await connect({ userId: 'bob', groups: ['g'] });
  await service.sendToAll({ to: 'all' });
  await service.sendToUser("ada's|1", { to: 'ada' });
  await service.sendToConnection(bob.connectionId, Uint8Array.from([1]));
  await service.sendToConnection('nobody', { lost: true });
  await service.sendToUser('nobody', { lost: true });
  await service.group('g').sendToAll({ to: 'g but ada' }, { excludedConnections: [ada.connectionId] });
  await service.sendToAll({ to: 'filtered' }, { filter: "userId eq 'ada''s|1' and not ('g' in groups)" });
  await service.sendToAll({ to: 'end' }, { messageTtlSeconds: 10 });
  await Promise.all([ada.hears(3), other.hears(4), bob.hears(4)]);
  assert.deepEqual(ada.heard, [{ to: 'all' }, { to: 'ada' }, { to: 'end' }]);
  assert.deepEqual(other.heard, [{ to: 'all' }, { to: 'ada' }, { to: 'filtered' }, { to: 'end' }]);
  assert.deepEqual(bob.heard, [{ to: 'all' }, Uint8Array.from([1]).buffer, { to: 'g but ada' }, { to: 'end' }]);
});

test('what is sent in one hub is not heard in another', async (t) => {
  const { connect, service, endpoint } = await createRealtimeWorld(t);
  const { heard, hears, connectionId } = await connect({ userId: 'ada', groups: ['g'] });
  const { WebPubSubServiceClient, AzureKeyCredential } = await import('@azure/web-pubsub');
  const { accessKey } = await import('./realtime-world.ts');
  const options = { allowInsecureConnection: true };
  const elsewhere = new WebPubSubServiceClient(endpoint, new AzureKeyCredential(accessKey), 'other', options);
  await elsewhere.sendToAll('lost', { contentType: 'text/plain' });
  await elsewhere.group('g').sendToAll('lost', { contentType: 'text/plain' });
  await elsewhere.closeConnection(connectionId);
  await elsewhere.closeUserConnections('ada');
  assert.equal(await elsewhere.userExists('ada'), false);
  await service.sendToAll('heard', { contentType: 'text/plain' });
  await hears(1);
  assert.deepEqual(heard, ['heard']);
});
