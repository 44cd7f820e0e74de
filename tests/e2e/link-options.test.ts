/** What is chosen when a folder is linked: links left out, and names that Windows cannot hold under escaped ones. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { tideHere } from './tide-in-process.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openWorld } from './world.ts';

interface Synced {
  readonly upToDate: boolean;
  readonly problems: readonly { readonly path: string; readonly code: string }[];
}

let world: World;
let plain: Device;
let mapped: Device;

before(async () => {
  world = await openWorld();
  plain = world.near('plain');
  mapped = world.near('mapped');
  const { server } = world.stack.endpoints;
  await plain.run('login', '--dev', '--server', server, '--user', 'ann');
  await mapped.run('login', '--dev', '--server', server, '--user', 'ann');
  await plain.run('create', 'names');
  await plain.run('link', plain.folder, '--workspace', 'names');
  await mapped.run('link', mapped.folder, '--workspace', 'names', '--map-names', '--skip-symlinks');
});
after(() => world.close());

async function sync(device: Device): Promise<Synced> {
  const { stdout } = await runNear(device, ['sync', device.folder, '--json']);
  const { upToDate, problems } = JSON.parse(stdout) as Synced;
  return { upToDate, problems: problems.map(({ path, code }) => ({ path, code })) };
}

test('reserved names lie escaped on one device and as they are on the other, through edits, moves and a lost journal', async () => {
  for (const [name, text] of [
    ['CON', 'one'],
    ['a:b', 'two'],
    ['notes.', 'three'],
    ['plain', 'four'],
  ] as const) {
    writeFileSync(join(plain.folder, name), text);
  }
  mkdirSync(join(plain.folder, 'nul'));
  writeFileSync(join(plain.folder, 'nul/what?'), 'deep');
  assert.ok((await sync(plain)).upToDate);
  assert.ok((await sync(mapped)).upToDate);
  const names = (folder: string): string[] =>
    readdirSync(folder)
      .filter((name) => name !== '.tidemark')
      .sort();
  assert.deepEqual(names(mapped.folder), ['a‱3Ab', 'notes‱2E', 'plain', '‱43ON', '‱6Eul']);
  assert.equal(readFileSync(join(mapped.folder, '‱6Eul/what‱3F'), 'utf8'), 'deep');

  writeFileSync(join(mapped.folder, '‱43ON'), 'edited there');
  renameSync(join(mapped.folder, 'a‱3Ab'), join(mapped.folder, 'a‱3Ac'));
  assert.ok((await sync(mapped)).upToDate);
  assert.ok((await sync(plain)).upToDate);
  assert.equal(readFileSync(join(plain.folder, 'CON'), 'utf8'), 'edited there');
  assert.deepEqual(names(plain.folder), ['CON', 'a:c', 'notes.', 'nul', 'plain']);

  for (const suffix of ['', '-wal', '-shm'])
    rmSync(join(mapped.folder, `.tidemark/journal.db${suffix}`), { force: true });
  assert.ok((await sync(mapped)).upToDate, 'the names are still understood');
  assert.ok((await sync(plain)).upToDate);
  assert.deepEqual(names(plain.folder), ['CON', 'a:c', 'notes.', 'nul', 'plain']);
});

test('links are listed and left out in both directions; a FIFO is listed, and keeps nothing from being up to date', async () => {
  symlinkSync('there', join(mapped.folder, 'mine'));
  execFileSync('mkfifo', [join(mapped.folder, 'fifo')]);
  const own = await sync(mapped);
  assert.deepEqual(own, {
    upToDate: true,
    problems: [
      { path: 'fifo', code: 'special' },
      { path: 'mine', code: 'special' },
    ],
  });
  symlinkSync('here', join(plain.folder, 'theirs'));
  assert.ok((await sync(plain)).upToDate);
  assert.ok(!existsSync(join(plain.folder, 'mine')));
  const { problems } = await sync(mapped);
  assert.ok(problems.some(({ path, code }) => path === 'theirs' && code === 'special'));
  assert.equal(lstatSync(join(mapped.folder, 'theirs'), { throwIfNoEntry: false }), undefined);
});

test('a linked folder is not linked otherwise by linking it again', async () => {
  const refused = await runTide(plain, ['link', plain.folder, '--workspace', 'names', '--map-names', '--json']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stdout + refused.stderr, /tide unlink/);
  await mapped.run('link', mapped.folder, '--workspace', 'names', '--map-names');
  assert.ok(existsSync(join(plain.folder, 'CON')));
});

test('a folder in a linked one is refused, as is one that cannot be made; neither leaves anything behind', async () => {
  const inside = join(plain.folder, 'inside', 'deep');
  const nested = await tideHere(plain.home, 'link', inside, '--workspace', 'names');
  assert.equal(nested.code, exitCodes.failed);
  assert.match(nested.error, /which is linked; choose a folder outside of it/);
  assert.ok(!existsSync(join(inside, '.tidemark')));
  const file = join(world.base, 'a file');
  writeFileSync(file, '');
  const onFile = await tideHere(plain.home, 'link', file, '--workspace', 'names');
  assert.match(onFile.error, /is there already, and is no folder/);
  if (process.platform !== 'linux') return;
  const nowhere = await tideHere(plain.home, 'link', '/proc/tidemark/deep', '--workspace', 'names');
  assert.match(nowhere.error, /there is no such file or folder/);
});
