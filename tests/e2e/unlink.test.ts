/** The end of a link: which folders there are, `tide unlink`, and a device that its owner revoked. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import { lockFolder } from '../../client/agent/folder/folder-lock.ts';
import { createNodeFileSystem } from '../../client/agent/folder/node-file-system.ts';
import { holdReadOnly } from '../../client/agent/folder/read-only.ts';
import { openJournal } from '../../client/agent/journal/journal.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from './tide-process.ts';
import { type World, openWorld } from './world.ts';

let world: World;
let ann: Device;

before(async () => {
  world = await openWorld();
  ann = world.near('ann');
  await ann.run('login', '--dev', '--server', world.stack.endpoints.server, '--user', 'ann');
});
after(() => world.close());

interface Linked {
  readonly folder: string;
  readonly deviceId: string;
}

/** A folder of its own, linked to a new workspace of its name, with one file that is synced. */
async function linkFolder(name: string): Promise<Linked> {
  const folder = join(world.base, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'kept.txt'), name);
  await ann.run('create', name);
  const { deviceId } = await ann.run<{ deviceId: string }>('link', folder, '--workspace', name);
  await ann.run('sync', folder);
  return { folder, deviceId };
}

async function isRevoked(deviceId: string): Promise<boolean> {
  const { devices } = await ann.run<{ devices: { deviceId: string; revoked: string | null }[] }>(
    'devices',
    'list',
    '--all',
  );
  return Boolean(devices.find((device) => device.deviceId === deviceId)?.revoked);
}

async function statusOfAll() {
  const { code, stdout } = await runTide(ann, ['status', '--all', '--json']);
  const { folders } = JSON.parse(stdout) as {
    folders: { folder: string; upToDate?: boolean; error?: { code: string } }[];
  };
  return { code, folders };
}

test('status --all shows every linked folder, tells of one that is not there, and forgets those that are linked no more', async () => {
  const here = await linkFolder('here');
  const away = await linkFolder('away');
  const other = await linkFolder('other');
  renameSync(away.folder, `${away.folder}-unmounted`);
  rmSync(join(other.folder, '.tidemark'), { recursive: true });
  const { code, folders } = await statusOfAll();
  assert.equal(code, exitCodes.incomplete);
  assert.deepEqual(
    folders.map(({ folder, upToDate, error }) => [folder, upToDate ?? error?.code]),
    [
      [away.folder, 'halted'],
      [here.folder, true],
    ],
  );
  renameSync(`${away.folder}-unmounted`, away.folder);
  assert.equal((await statusOfAll()).code, exitCodes.ok);
});

test('unlink keeps every file, takes the control folder away and revokes the device', async () => {
  const { folder, deviceId } = await linkFolder('plain');
  const told = await ann.run<{ deviceRevoked: boolean }>('unlink', folder);
  assert.equal(told.deviceRevoked, true);
  assert.deepEqual(readdirSync(folder), ['kept.txt']);
  assert.ok(await isRevoked(deviceId));
  assert.ok(!(await statusOfAll()).folders.some((each) => each.folder === folder));
  const again = await runTide(ann, ['unlink', folder]);
  assert.equal(again.code, exitCodes.notFound);
  await ann.run('link', folder, '--workspace', 'plain');
  await ann.run('sync', folder);
  assert.equal(readFileSync(join(folder, 'kept.txt'), 'utf8'), 'plain');
});

test('files that are read-only because the server was away get their permissions back', async () => {
  const { folder } = await linkFolder('read-only');
  const opened = openJournal(join(folder, '.tidemark', 'journal.db'), null);
  assert.equal(opened.state, 'ready');
  if (opened.state !== 'ready') return;
  const { journal } = opened;
  assert.equal(holdReadOnly({ fs: createNodeFileSystem(), root: folder, journal }), 1);
  journal.close();
  const file = join(folder, 'kept.txt');
  assert.equal(statSync(file).mode & 0o222, 0);
  await ann.run('unlink', folder, '--keep-device');
  assert.equal(statSync(file).mode & 0o200, 0o200);
});

test('what is not in the workspace stops it, until --force', async () => {
  const { folder, deviceId } = await linkFolder('unsent');
  writeFileSync(join(folder, 'new.txt'), 'nobody else has this');
  const refused = await runTide(ann, ['unlink', folder]);
  assert.equal(refused.code, exitCodes.halted);
  assert.match(refused.stderr, /1 changes that are not in the workspace.*--force/);
  assert.ok(existsSync(join(folder, '.tidemark/marker.json')));
  assert.ok(!(await isRevoked(deviceId)));
  await ann.run('unlink', folder, '--force');
  assert.deepEqual(readdirSync(folder).sort(), ['kept.txt', 'new.txt']);
});

test('while another agent has the folder, it says who, and touches nothing', async () => {
  const { folder, deviceId } = await linkFolder('held');
  const held = lockFolder(folder);
  try {
    for (const options of [[], ['--force']]) {
      const { code, stderr } = await runTide(ann, ['unlink', folder, ...options]);
      assert.equal(code, exitCodes.halted);
      assert.match(stderr, /is in use by another agent; end it first/);
    }
  } finally {
    held.release();
  }
  assert.ok(!(await isRevoked(deviceId)));
  assert.ok(existsSync(join(folder, '.tidemark/marker.json')));
});

test('--keep-device asks no server; a crash after the device was revoked is met by doing it again', async () => {
  const { folder, deviceId } = await linkFolder('offline');
  const nobody = { TIDE_HOME: join(world.base, 'logged-out') };
  const kept = await runTide(ann, ['unlink', folder, '--keep-device', '--force', '--json'], nobody);
  assert.deepEqual([kept.code, (JSON.parse(kept.stdout) as { deviceRevoked: boolean }).deviceRevoked], [0, false]);
  assert.ok(!(await isRevoked(deviceId)));
  const next = await linkFolder('crashed');
  await ann.run('devices', 'revoke', next.deviceId, '--yes');
  const told = await ann.run<{ deviceRevoked: boolean }>('unlink', next.folder);
  assert.equal(told.deviceRevoked, true);
  assert.deepEqual(readdirSync(next.folder), ['kept.txt']);
});

test('a revoked device is told so by sync and status, with what to do; its files stay', async () => {
  const { folder, deviceId } = await linkFolder('revoked');
  await ann.run('devices', 'revoke', deviceId, '--yes');
  writeFileSync(join(folder, 'later.txt'), 'written after');
  for (const command of ['sync', 'status']) {
    const { code, stdout } = await runTide(ann, [command, folder, '--json']);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    assert.deepEqual([code, error.code], [exitCodes.revoked, 'revoked'], command);
    assert.match(error.message, /tide unlink/);
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name !== '.tidemark'),
    ['kept.txt', 'later.txt'],
  );
});
