/** `tide exclude` and `tide include` with the real commands on two devices, also killed in the middle. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

function write(folder: string, path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return names.filter((each) => each.isFile()).map(({ name }) => name);
}

interface StatusJson {
  readonly upToDate: boolean;
  readonly excluded: number;
  readonly marks: { readonly local: string; readonly synced: string; readonly remote: string };
}

async function mustBeEqual(...devices: readonly Device[]): Promise<void> {
  const statuses: StatusJson[] = [];
  for (const device of devices) statuses.push(await device.run<StatusJson>('status', device.folder));
  for (const { marks, upToDate } of statuses) {
    assert.ok(upToDate);
    assert.deepEqual(marks, { local: marks.remote, synced: marks.remote, remote: statuses[0]!.marks.remote });
  }
}

test('what one device excludes stays everywhere else, and comes back when it is included', async () => {
  const [a, b] = await openSharedFolder(world, 'selective', 'near');
  write(a.folder, 'docs/plan.txt', 'plan');
  write(a.folder, 'media/big.bin', 'big');
  write(a.folder, 'media/raw/1.raw', 'raw');
  await a.sync();
  await b.sync();

  const told = await runTide(a, ['exclude', join(a.folder, 'media')]);
  assert.equal(told.code, exitCodes.ok, told.stderr);
  assert.match(told.stdout, /media: excluded on this device/);
  assert.ok(!existsSync(join(a.folder, 'media')));
  await b.sync();
  assert.equal(readFileSync(join(b.folder, 'media/raw/1.raw'), 'utf8'), 'raw');
  assert.deepEqual(await a.run('exclude', '--list', a.folder), { folder: a.folder, excluded: ['media'] });
  assert.equal((await a.run<StatusJson>('status', a.folder)).excluded, 1);

  assert.equal((await a.run<{ readonly waiting: number }>('verify', a.folder)).waiting, 0);

  write(b.folder, 'media/new.bin', 'new');
  rmSync(join(b.folder, 'media/big.bin'));
  await b.sync();
  await a.sync();
  assert.ok(!existsSync(join(a.folder, 'media')));
  await mustBeEqual(a, b);

  await a.run('include', join(a.folder, 'media'));
  assert.deepEqual(compareFolders(a.folder, b.folder), []);
  await mustBeEqual(a, b);
});

test('a path that is not there, is not synced yet or is in what is excluded is refused, with what to do', async () => {
  const [a] = await openSharedFolder(world, 'refused', 'near');
  write(a.folder, 'd/e/1', '1');
  await a.sync();
  write(a.folder, 'd/e/new', 'new');
  const unsynced = await runNear(a, ['exclude', join(a.folder, 'd')]);
  assert.equal(unsynced.code, exitCodes.failed);
  assert.match(unsynced.stderr, /d\/e\/new.*tide sync/);
  assert.equal(readFileSync(join(a.folder, 'd/e/new'), 'utf8'), 'new');
  await a.sync();
  const missing = await runNear(a, ['exclude', join(a.folder, 'nothing')]);
  assert.equal(missing.code, exitCodes.notFound);
  assert.match(missing.stderr, /tide ignore/);
  const whole = await runNear(a, ['exclude', a.folder]);
  assert.match(whole.stderr, /whole folder/);
  await a.run('exclude', join(a.folder, 'd'));
  const inside = await runNear(a, ['include', join(a.folder, 'd/e')]);
  assert.equal(inside.code, exitCodes.failed);
  assert.match(inside.stderr, /d\/e is in d, which is excluded/);
});

test('a device can be linked without a part of the workspace', async () => {
  const [a] = await openSharedFolder(world, 'partly', 'near');
  write(a.folder, 'small', 'small');
  write(a.folder, 'huge/1', 'huge');
  await a.sync();
  const c = world.near('partly-c');
  const { server } = world.stack.endpoints;
  await c.run('login', '--dev', '--server', server, '--user', 'ann');
  await c.run('link', c.folder, '--workspace', 'partly', '--device', 'c', '--exclude', 'huge');
  await c.sync();
  assert.deepEqual(
    filesIn(c.folder).filter((name) => name === '1' || name === 'small'),
    ['small'],
  );
  await mustBeEqual(a, c);
});

test('L15: killed again and again while it excludes 500 files: nothing is deleted elsewhere, and the next sync ends it', async (t) => {
  const count = 500;
  const [a, b] = await openSharedFolder(world, 'killed');
  for (let i = 0; i < count; i++) write(a.folder, `many/${i % 10}/file-${i}`, `file ${i}`);
  write(a.folder, 'other', 'other');
  await a.sync();
  await b.sync();
  let killed = 0;
  let whole = 0;
  let partly = 0;
  for (let round = 0; round < 12 && partly < 1; round++) {
    const child = spawn(process.execPath, [tideScript, 'exclude', join(a.folder, 'many'), '--quiet'], {
      env: { ...process.env, TIDE_HOME: a.home },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    // Killed as soon as the first files are gone: no clock chooses the moment.
    const timer = setInterval(() => {
      if (filesIn(join(a.folder, 'many')).length < count) child.kill('SIGKILL');
    }, 1);
    const [, signal] = (await exited) as [number | null, string | null];
    clearInterval(timer);
    if (signal === 'SIGKILL') killed++;
    const left = filesIn(join(a.folder, 'many')).length;
    if (left === count) whole++;
    else if (left > 0) partly++;
    await b.sync();
    assert.equal(filesIn(join(b.folder, 'many')).length, count, 'the other device has all of it');
    await a.sync();
    assert.ok(!existsSync(join(a.folder, 'many')));
    await mustBeEqual(a, b);
    await a.run('include', join(a.folder, 'many'));
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
  }
  t.diagnostic(`${killed} kills; ${partly} with a part removed, ${whole} with nothing removed`);
  assert.ok(killed > 0, 'no exclusion was killed under way');
});
