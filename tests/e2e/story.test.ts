/** What the commands of `tide` tell of one workspace fits together, with and without the server, on both kinds of storage. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from './tide-process.ts';
import { type World, onEachStorage, openSharedFolder } from './world.ts';

onEachStorage((open) => {
  let world: World;

  before(async () => {
    world = await open();
  });
  after(() => world.close());

  test('create, list, link, sync, status and ls tell one story', async () => {
    const [a] = await openSharedFolder(world, 'story');
    mkdirSync(join(a.folder, 'sub'));
    writeFileSync(join(a.folder, 'sub', 'file.txt'), 'content');
    const synced = await a.sync();
    assert.equal(synced.files, 1);
    const listing = await a.run<{ items: { name: string; kind: string; size: number }[] }>(
      'ls',
      'sub',
      '--workspace',
      'story',
    );
    assert.deepEqual(
      listing.items.map(({ name, kind, size }) => ({ name, kind, size })),
      [{ name: 'file.txt', kind: 'file', size: 7 }],
    );
    const { workspaces } = await a.run<{ workspaces: { name: string; root: string }[] }>('list');
    assert.equal(workspaces.find((each) => each.name === 'story')?.root, synced.root);
    assert.equal((await a.status()).marks.local, synced.root);
    writeFileSync(join(a.folder, 'new.txt'), 'not synced yet');
    const pending = await a.status();
    assert.equal(pending.upToDate, false);
    assert.match(pending.marks.local, /^[0-9a-f]{64}$/);
    assert.notEqual(pending.marks.local, pending.marks.remote);
    assert.equal(pending.marks.synced, pending.marks.remote, 'what was last equal is what the server has');
  });

  test('without the server, status tells what changed here, and never that all is up to date', async () => {
    const [a] = await openSharedFolder(world, 'offline');
    await a.sync();
    await world.stack.stop();
    writeFileSync(join(a.folder, 'written-offline.txt'), 'x');
    const status = await a.run<{ online: boolean; upToDate: boolean; pending: { local: number } }>('status', a.folder);
    await world.killAndRestart();
    assert.deepEqual([status.online, status.upToDate, status.pending.local], [false, false, 1]);
  });

  test("another user sees nothing of ann's", async () => {
    const bob = world.device('bob');
    await bob.run('login', '--dev', '--server', world.stack.endpoints.server, '--user', 'bob');
    assert.deepEqual(await bob.run('list'), { workspaces: [] });
    assert.equal((await runTide(bob, ['ls', '--workspace', 'story'])).code, exitCodes.notFound);
  });
});
