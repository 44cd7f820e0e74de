/** REST by the official package: who is there, groups, permissions, ends of connections, and refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestError } from '@azure/core-rest-pipeline';
import { type ConnectedClient, accessKey, createRealtimeWorld, hub } from './realtime-world.ts';

function stoppedOf({ client }: ConnectedClient): Promise<string | undefined> {
  let said: string | undefined;
  client.on('disconnected', ({ message }) => (said = message?.message));
  return new Promise((resolve) => client.on('stopped', () => resolve(said)));
}

const isError = (status: number, code: string) => (error: unknown) =>
  error instanceof RestError && error.statusCode === status && error.code === code;

test('tells which connections, users and groups there are', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { connectionId } = await connect({ userId: 'ada', groups: ['a/b c'] });
  const there = [service.connectionExists(connectionId), service.userExists('ada'), service.groupExists('a/b c')];
  const notThere = [service.connectionExists('x'), service.userExists('bob'), service.groupExists('a')];
  assert.deepEqual(await Promise.all([...there, ...notThere]), [true, true, true, false, false, false]);
});

test('connections closed by REST are told why, and are gone', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const one = await connect({ userId: 'ada', groups: ['g'] });
  const byConnection = stoppedOf(one);
  await service.closeConnection(one.connectionId, { reason: 'revoked' });
  await service.closeConnection(one.connectionId, { reason: 'revoked' });
  assert.equal(await byConnection, 'revoked');
  assert.equal(await service.connectionExists(one.connectionId), false);
  assert.equal(await service.userExists('ada'), false);
  assert.equal(await service.groupExists('g'), false);

  const byUser = [await connect({ userId: 'ada' }), await connect({ userId: 'ada', plain: true })].map(stoppedOf);
  await service.closeUserConnections('ada', { reason: 'signed out' });
  assert.deepEqual(await Promise.all(byUser), ['signed out', 'signed out']);

  const kept = await connect({ groups: ['h'] });
  const byGroup = stoppedOf(await connect({ groups: ['g'] }));
  await service.group('g').closeAllConnections({ reason: 'removed' });
  assert.equal(await byGroup, 'removed');
  assert.equal(await service.connectionExists(kept.connectionId), true);

  const byAll = stoppedOf(kept);
  await service.closeAllConnections();
  assert.equal(typeof (await byAll), 'string');
  assert.equal(await service.connectionExists(kept.connectionId), false);
});

test('connections and users are put into groups and taken out', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { connectionId } = await connect({ userId: 'ada' });
  const other = await connect({ userId: 'ada' });
  const group = service.group('g');
  await group.addConnection(connectionId);
  assert.equal(await service.groupExists('g'), true);
  await group.removeConnection(connectionId);
  assert.equal(await service.groupExists('g'), false);
  await assert.rejects(group.addConnection('nobody'), isError(404, 'NotFound'));
  await group.removeConnection('nobody');

  await group.addUser('ada');
  await service.group('h').addUser('ada');
  await group.removeUser('ada');
  assert.equal(await service.groupExists('g'), false);
  await service.removeConnectionFromAllGroups(connectionId);
  assert.equal(await service.groupExists('h'), true);
  await service.removeUserFromAllGroups('ada');
  assert.equal(await service.groupExists('h'), false);

  await service.addConnectionsToGroups(['x', 'y'], `connectionId eq '${other.connectionId}'`);
  assert.deepEqual(await Promise.all([service.groupExists('x'), service.groupExists('y')]), [true, true]);
  await service.removeConnectionsFromGroups(['x'], "userId in ('ada', 'bob')");
  assert.deepEqual(await Promise.all([service.groupExists('x'), service.groupExists('y')]), [false, true]);
});

test('permissions are given, taken and told', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { client, connectionId } = await connect();
  const inGroup = { targetName: 'g' };
  assert.equal(await service.hasPermission(connectionId, 'joinLeaveGroup', inGroup), false);
  await service.grantPermission(connectionId, 'joinLeaveGroup', inGroup);
  assert.equal(await service.hasPermission(connectionId, 'joinLeaveGroup', inGroup), true);
  assert.equal(await service.hasPermission(connectionId, 'joinLeaveGroup'), false);
  assert.equal(await service.hasPermission(connectionId, 'sendToGroup', inGroup), false);
  await client.joinGroup('g');
  await service.revokePermission(connectionId, 'joinLeaveGroup', inGroup);
  await assert.rejects(client.leaveGroup('g'));
  await service.grantPermission(connectionId, 'sendToGroup');
  await client.sendToGroup('any', 'text', 'text');
  await service.revokePermission(connectionId, 'sendToGroup');
  await assert.rejects(client.sendToGroup('any', 'text', 'text'));
  await assert.rejects(service.grantPermission('nobody', 'sendToGroup'), isError(404, 'NotFound'));
  assert.equal(await service.hasPermission('nobody', 'sendToGroup'), false);
});

test('the connections of a group are listed in pages', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await connect({ userId: `u${n}`, groups: ['g'] })).connectionId);
  const group = service.group('g');
  const pages: number[] = [];
  const listed = new Map<string, string | undefined>();
  for await (const page of (await group.listConnections({ maxPageSize: 2 })).byPage()) {
    pages.push(page.length);
    for (const { connectionId, userId } of page) listed.set(connectionId, userId);
  }
  assert.deepEqual(pages, [2, 2, 1]);
  assert.deepEqual(listed, new Map(ids.sort().map((id) => [id, listed.get(id)])));
  assert.deepEqual([...listed.values()].map(String).sort(), ['u0', 'u1', 'u2', 'u3', 'u4']);
  const some: string[] = [];
  for await (const { connectionId } of await group.listConnections({ top: 3, maxPageSize: 2 })) some.push(connectionId);
  assert.deepEqual(some, ids.slice(0, 3));
  for await (const _ of await service.group('empty').listConnections()) assert.fail('nobody is there');
});

test('refuses what it cannot serve, and says so', async (t) => {
  const { service } = await createRealtimeWorld(t, { bounds: { requestBytesMax: 1_000 } });
  await assert.rejects(
    service.sendToAll({}, { filter: "startswith(userId, 'a')" }),
    (error) => isError(400, 'InvalidRequest')(error) && /filters/.test((error as Error).message),
  );
  await assert.rejects(service.addConnectionsToGroups(['g'], 'length(groups) gt 1'), isError(400, 'InvalidRequest'));
  const large = new Uint8Array(1_001);
  await assert.rejects(service.sendToAll(large), isError(413, 'RequestBodyTooLarge'));
  assert.equal(await service.userExists('still served'), false);
});

test('only a token for the very request is taken', async (t) => {
  const { endpoint, clock } = await createRealtimeWorld(t);
  const { SignJWT } = await import('jose');
  const path = `/api/hubs/${hub}/users/ada?api-version=2024-12-01`;
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const sign = (audience: string, key = accessKey, expires = nowSeconds + 60): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(Buffer.from(key));
  const ask = async (token: string | undefined, method = 'HEAD'): Promise<number> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await fetch(endpoint + path, { method, headers })).status;
  };
  const good = await sign(endpoint + path);
  assert.equal(await ask(good), 404);
  assert.equal(await ask(await sign(endpoint + path.split('?')[0]!)), 404);
  assert.equal(await ask(good, 'PATCH'), 404);
  assert.equal(await ask(undefined), 401);
  assert.equal(await ask(await sign(`${endpoint}/api/hubs/${hub}/users/bob?api-version=2024-12-01`)), 401);
  assert.equal(await ask(await sign(`${endpoint}/client/hubs/${hub}`)), 401);
  assert.equal(await ask(await sign(endpoint + path, Buffer.alloc(32, 8).toString('base64'))), 401);
  assert.equal(await ask(await sign(endpoint + path, accessKey, nowSeconds - 60)), 401);
  assert.equal(await ask(`${good.slice(0, -2)}AA`), 401);
});
