/** Sharing, revoking, filling and deleting over the real stack, with the real agent on the other side; on both kinds of storage. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import { type WorkspaceId, parseUserId } from '../../shared/core/ids.ts';
import { type StackClient, openClient } from '../local/stack-client.ts';
import { runTide } from './tide-process.ts';
import { type World, onEachStorage, openSharedFolder } from './world.ts';

onEachStorage((open) => {
  let world: World;
  let a: Device;
  let b: Device;
  let ann: StackClient;
  let bob: StackClient;
  let shared: WorkspaceId;

  before(async () => {
    world = await open({ TIDEMARK_QUOTA_FILES: '3' });
    [a, b] = await openSharedFolder(world, 'shared');
    const { server } = world.stack.endpoints;
    [ann, bob] = [await openClient(server, 'ann'), await openClient(server, 'bob')];
    shared = (await ann.api.listWorkspaces())[0]!.workspaceId;
  });
  after(() => world.close());

  function userIdOf(name: string): ReturnType<typeof parseUserId> {
    return parseUserId(`${new URL(world.stack.endpoints.issuer).hostname}|${name}`);
  }

  test('a workspace is shared with another person, by a user id with a bar in it', async () => {
    await assert.rejects(bob.api.getWorkspace(shared), { code: 'not-found' });
    const bobsId = userIdOf('bob');
    const added = await ann.api.putMember(shared, { userId: bobsId, role: 'editor' }, 1);
    assert.deepEqual(added.members.at(-1), { userId: bobsId, role: 'editor' });
    writeFileSync(join(a.folder, 'plan.txt'), 'from ann');
    await a.sync();
    assert.equal((await bob.api.listTree(shared, '', null)).items[0]?.name, 'plan.txt');
    await assert.rejects(bob.api.patchWorkspace(shared, { name: 'mine' }, null), { code: 'forbidden' });
    assert.equal((await bob.api.removeMember(shared, bobsId, null)).members.length, 1);
    await assert.rejects(bob.api.listMembers(shared), { code: 'not-found' });
  });

  test('a full workspace says so with what it may hold, and takes the next file when there is room', async () => {
    for (const name of ['2', '3']) writeFileSync(join(a.folder, name), name);
    await a.sync();
    await b.sync();
    const { files, filesMax, bytes, bytesMax } = await ann.api.getWorkspace(shared);
    assert.deepEqual([files, filesMax, bytes, bytesMax], [3, 3, 10, null]);
    writeFileSync(join(a.folder, '4'), '4');
    const full = await runTide(a, ['sync', a.folder]);
    assert.notEqual(full.code, 0);
    assert.match(full.stderr, /would hold more than it may/);
    rmSync(join(b.folder, '3'));
    await b.sync();
    await a.sync();
    assert.ok(existsSync(join(a.folder, '4')) && !existsSync(join(a.folder, '3')));
  });

  test('a deleted workspace is gone for its devices, and their files stay; brought back, they go on', async () => {
    const { version } = await ann.api.getWorkspace(shared);
    const deleted = await ann.api.deleteWorkspace(shared, version);
    assert.ok(deleted.deletedMs !== null);
    assert.deepEqual(await ann.api.listWorkspaces(), []);
    assert.equal((await ann.api.listDeletedToo()).length, 1);
    const { code } = await runTide(a, ['sync', a.folder]);
    assert.notEqual(code, 0);
    assert.equal(readFileSync(join(a.folder, 'plan.txt'), 'utf8'), 'from ann');
    await assert.rejects(ann.api.patchWorkspace(shared, { deleted: false }, version), { code: 'precondition-failed' });
    const back = await ann.api.patchWorkspace(shared, { deleted: false, name: 'back' }, deleted.version);
    assert.deepEqual([back.deletedMs, back.name], [null, 'back']);
    assert.equal((await a.sync()).upToDate, true);
  });

  test('L30: a revoked device syncs no more, neither way, and keeps its files; the other one goes on', async () => {
    const devices = await ann.api.listDevices();
    const lost = devices.find(({ name }) => name === 'shared-b')!;
    await ann.api.revokeDevice(lost.deviceId);
    writeFileSync(join(a.folder, 'plan.txt'), 'secret from now on');
    await a.sync();
    writeFileSync(join(b.folder, '2'), 'of a thief');
    const refused = await runTide(b, ['sync', b.folder]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /revoked/);
    assert.equal(readFileSync(join(b.folder, 'plan.txt'), 'utf8'), 'from ann');
    assert.equal((await a.sync()).upToDate, true);
    assert.equal(readFileSync(join(a.folder, '2'), 'utf8'), '2');
  });
});
