import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staleOperationsOf } from '../../client/sdk/stale-operations.ts';
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import { parseRequestId, parseUserId, rootNodeId } from '../../shared/core/ids.ts';
import { staleOperationToText } from '../../shared/core/wire/stale-base.ts';
import { clientOf } from '../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, symlinkOperation } from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';

/** The world, and each request that comes to it. */
function noting(world: TestWorld): { readonly world: TestWorld; readonly requests: Request[] } {
  const requests: Request[] = [];
  const handle = (request: Request): Promise<Response> => {
    requests.push(request);
    return world.api.handle(request);
  };
  return { world: { ...world, api: { handle } }, requests };
}

test('a client that knows its device says so with every token, but where a person begins with a new device', async () => {
  const { world, requests } = noting(createTestWorld());
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const { deviceId } = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  requests.length = 0;
  const client = clientOf(world, 'ann', deviceId);
  await client.getWorkspace(workspaceId);
  await client.patchWorkspace(workspaceId, { name: 'x' }, 1);
  await client.configuration();
  await client.signingKeys();
  await client.registerDevice({ token: new Uint8Array(16), name: 'new' });
  assert.deepEqual(
    requests.map(({ headers }) => headers.get('tidemark-device')),
    [deviceId, deviceId, null, null, null],
  );
  await clientOf(world, 'ann').listWorkspaces();
  assert.equal(requests.at(-1)?.headers.get('tidemark-device'), null);
});

test('a version goes out as an ETag, none as *; a user id is one segment of the path', async () => {
  const { world, requests } = noting(createTestWorld());
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const client = clientOf(world, 'ann');
  const userId = parseUserId('127.0.0.1|bob/b');
  await client.putMember(workspaceId, { userId, role: 'viewer' }, 1);
  assert.equal(requests.at(-1)?.headers.get('if-match'), '"1"');
  assert.match(requests.at(-1)!.url, /\/members\/127\.0\.0\.1%7Cbob%2Fb$/);
  await client.removeMember(workspaceId, userId, null);
  assert.equal(requests.at(-1)?.headers.get('if-match'), '*');
  await client.deleteWorkspace(workspaceId, 3);
  assert.deepEqual([requests.at(-1)?.method, requests.at(-1)?.headers.get('if-match')], ['DELETE', '"3"']);
});

test('a stale base tells what stands, for a rebase without another request', async () => {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann', { mode: 'shared' });
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  await ann.commit(mkdirOperation('a', 'a'));
  const request = ann.request([mkdirOperation('b', 'b'), symlinkOperation('l', 'a', 'target')]);
  const requestId = parseRequestId('ab'.repeat(16));
  const error: unknown = await clientOf(world, 'ann')
    .commit(request, requestId)
    .catch((thrown: unknown) => thrown);
  assert.ok(isTidemarkError(error, 'stale-base'));
  const { operations, isWhole } = staleOperationsOf(error);
  assert.equal(isWhole, true);
  assert.deepEqual(
    operations.map(({ index, wouldBe, node, occupant }) => [index, wouldBe, node, occupant?.place]),
    [[1, 'renamed', null, { parentId: rootNodeId, name: 'a' }]],
  );
});

test('what a server tells of stale operations is read with care', () => {
  const told = staleOperationToText({ index: 3, wouldBe: 'kept', reason: null, node: null, occupant: null });
  const error = (stale: readonly string[]) => new TidemarkError('stale-base', 'x', { data: { count: 2, stale } });
  assert.equal(staleOperationsOf(error([told])).isWhole, false);
  assert.deepEqual(staleOperationsOf(new TidemarkError('stale-base', 'x')).operations, []);
  assert.deepEqual(staleOperationsOf(new TidemarkError('conflict', 'x', { data: { stale: [told] } })).operations, []);
  for (const bad of ['', '!', told.slice(0, -1), told.slice(0, -4), 'wMDA']) {
    assert.throws(() => staleOperationsOf(error([bad])), { code: 'malformed' });
  }
});

test('who is there, and where to listen, is asked for by workspace and by seat', async () => {
  const { world, requests } = noting(createTestWorld());
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const { deviceId } = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const client = clientOf(world, 'ann', deviceId);
  assert.deepEqual(await client.listPresence(workspaceId), { devices: [] });
  assert.match(requests.at(-1)!.url, new RegExp(`/workspaces/${workspaceId}/presence$`));
  const { url, seats } = await client.negotiate({ seats: [{ workspaceId, deviceId }] });
  assert.deepEqual(seats, [{ workspaceId, deviceId }]);
  assert.equal(new URL(url!).protocol, 'wss:');
  assert.equal(requests.at(-1)?.method, 'POST');
});
