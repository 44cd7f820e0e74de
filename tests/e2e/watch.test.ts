/** The agent as a service: two `tide watch` processes against a real stack, and commands that meet them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import type { FolderStatus } from '../../client/cli/actions/status.ts';
import { askAgent } from '../../client/cli/control/client.ts';
import { readHolder } from '../../client/cli/control/holder.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from './tide-process.ts';
import { until } from './until.ts';
import { Watching } from './watching.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
let world: World;
let a: Device;
let b: Device;
let onA: Watching;
let onB: Watching;

before(async () => {
  world = await openWorld();
  [a, b] = await openSharedFolder(world, 'watched');
  onA = new Watching(a, [a.folder, '--poll', '1']);
  onB = new Watching(b, [b.folder, '--poll', '1']);
  await until('both watch', () => onA.told('synced') && onB.told('synced'));
});
after(async () => {
  await Promise.all([onA.stop('SIGKILL'), onB.stop('SIGKILL')]);
  await world.close();
});

/** As `tide status` asks the agent, without the start of a process. */
async function status(device: Device): Promise<FolderStatus> {
  const socket = readHolder(device.folder)?.socket;
  assert.ok(socket, 'no agent listens');
  const answer = await askAgent(
    socket,
    'status',
    {},
    { signal: new AbortController().signal, progress: () => undefined },
  );
  assert.equal(answer.state, 'answered');
  return answer.result as FolderStatus;
}

/** B has heard of all that A has, and both folders are the same. */
const arrives = (): Promise<unknown> =>
  until('both are equal', async () => {
    const [left, right] = [await status(a), await status(b)];
    return left.upToDate && right.upToDate && left.seq === right.seq && compareFolders(a.folder, b.folder).length === 0;
  });

function read(folder: string, path: string): string | undefined {
  const file = join(folder, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

test('what is saved on one device is on the server and on the other without a sync by hand', async () => {
  writeFileSync(join(a.folder, 'note.txt'), 'hello');
  mkdirSync(join(a.folder, 'x/y/z'), { recursive: true });
  writeFileSync(join(a.folder, 'x/y/z/deep.txt'), 'deep');
  await until(
    'it is on B',
    () => read(b.folder, 'note.txt') === 'hello' && read(b.folder, 'x/y/z/deep.txt') === 'deep',
  );
});

test('a sync and a status by hand go through the agent', async () => {
  writeFileSync(join(a.folder, 'by-hand.txt'), 'one');
  const figures = await a.sync();
  assert.ok(figures.upToDate);
  await arrives();
  assert.equal(read(b.folder, 'by-hand.txt'), 'one');
  const told = await until('A is at rest', async () => {
    const now = await status(a);
    return now.upToDate && now;
  });
  assert.equal(told.watch?.state.name, 'idle');
  assert.equal(told.watch.watcher.mode, process.platform === 'linux' ? 'events' : told.watch.watcher.mode);
  const { stdout } = await runTide(a, ['status', a.folder]);
  assert.match(stdout, /agent: watching; last equal at/);
  const metrics = await runTide(a, ['status', a.folder, '--metrics']);
  assert.match(metrics.stdout, /^tidemark_syncs_total\{folder="[^"]*"\} [1-9]/m);
});

test('an editor that writes a second file and renames it over the first makes one edit and no copy', async () => {
  for (let save = 1; save <= 3; save++) {
    writeFileSync(join(a.folder, '.note.txt.swp'), `save ${save}`);
    renameSync(join(a.folder, '.note.txt.swp'), join(a.folder, 'note.txt'));
  }
  await a.sync();
  await arrives();
  assert.equal(read(b.folder, 'note.txt'), 'save 3');
  assert.deepEqual(
    readdirSync(b.folder).filter((name) => name.includes('.swp')),
    [],
  );
});

test('a second agent on a folder is refused, and told who has it', async () => {
  const { code, stderr } = await runTide(a, ['watch', a.folder]);
  assert.equal(code, exitCodes.halted);
  assert.match(stderr, new RegExp(`tide watch \\(process ${onA.child.pid}`));
});

test('a status is answered while the agent syncs, and says that it does', async () => {
  await onA.stop();
  writeNoise(join(a.folder, 'large.bin'), 8 * 1024 * 1024, 3);
  // At this rate the upload takes some seconds: long enough to ask in the middle of it.
  onA = new Watching(a, [a.folder, '--bwlimit', '2M:off']);
  const during = await until('A syncs', async () => {
    const now = await status(a);
    return now.watch?.state.name === 'syncing' && now;
  });
  assert.equal(during.upToDate, false);
  // Ctrl-C in a command that waits for its turn ends the command; the agent does not notice.
  const waiting = spawn(process.execPath, [tideScript, 'sync', a.folder, '--quiet'], {
    env: { ...process.env, TIDE_HOME: a.home },
    stdio: 'ignore',
  });
  const stopping = setInterval(() => waiting.kill('SIGINT'), 500);
  const [code, signal] = (await once(waiting, 'exit')) as [number | null, string | null];
  clearInterval(stopping);
  assert.ok(code === exitCodes.interrupted || signal === 'SIGINT', `${code} ${signal}`);
  const after = await until('A is done', async () => {
    const now = await status(a);
    return now.upToDate && now;
  });
  assert.equal(after.watch?.state.name, 'idle');
  const first = onA.lines.find((line) => line['event'] === 'synced' && line['reason'] === 'start');
  const [bytes, seconds] = [Number(first?.['bytesSent']), Number(first?.['seconds'])];
  assert.ok(bytes >= 8 * 1024 * 1024, `${bytes} bytes`);
  assert.ok(bytes / seconds < 4 * 1024 * 1024, `${bytes} bytes in ${seconds} s at a limit of 2 MiB/s`);
});

test('a paused folder is not synced by itself, nor by hand without --force, and goes on when it is resumed', async () => {
  await a.run('pause', a.folder, '--for', '1h');
  await until('A is paused', async () => (await status(a)).watch?.state.name === 'paused');
  writeFileSync(join(a.folder, 'while-paused.txt'), 'later');
  const refused = await runTide(a, ['sync', a.folder]);
  assert.equal(refused.code, exitCodes.halted);
  assert.match(refused.stderr, /paused until .*tide resume/);
  // Nobody looks by itself, so a status does.
  assert.equal((await status(a)).pending.local, 1);
  await a.run('sync', a.folder, '--force');
  assert.equal((await status(a)).watch?.state.name, 'paused');
  writeFileSync(join(a.folder, 'while-paused.txt'), 'and later');
  await a.run('resume', a.folder);
  await until('A is at rest', async () => (await status(a)).upToDate);
  await arrives();
  assert.equal(read(b.folder, 'while-paused.txt'), 'and later');
});

test('kill -9 of an agent: the next one goes on, and in between commands do it themselves', async () => {
  await onA.stop('SIGKILL');
  writeFileSync(join(a.folder, 'alone.txt'), 'no agent');
  assert.ok((await a.sync()).upToDate);
  assert.equal((await a.run<FolderStatus>('status', a.folder)).watch, null);
  onA = new Watching(a, [a.folder, '--poll', '1']);
  await until('A watches again', () => onA.told('synced'));
  writeFileSync(join(a.folder, 'again.txt'), 'watched');
  await until('A is at rest', async () => (await status(a)).upToDate);
  await arrives();
  assert.deepEqual(compareFolders(a.folder, b.folder), []);
});

test('a mass deletion waits for a person, who is told, and can be asked for', async () => {
  mkdirSync(join(a.folder, 'many'));
  for (let i = 0; i < 30; i++) writeFileSync(join(a.folder, `many/${i}.txt`), `file ${i}`);
  await a.sync();
  await arrives();
  rmSync(join(a.folder, 'many'), { recursive: true });
  await until('A halts', async () => (await status(a)).watch?.state.name === 'halted');
  assert.equal(readdirSync(join(b.folder, 'many')).length, 30);
  await a.run('sync', a.folder, '--allow-mass-delete');
  await until('B halts too', async () => (await status(b)).watch?.state.name === 'halted');
  await b.run('sync', b.folder, '--allow-mass-delete');
  assert.equal(existsSync(join(b.folder, 'many')), false);
  await until('A goes on', async () => (await status(a)).watch?.state.name === 'idle');
});

test('a folder that goes away and comes back is synced again', async () => {
  const away = `${a.folder}-away`;
  renameSync(a.folder, away);
  mkdirSync(a.folder);
  await until('A has noticed', () => onA.told('state', { state: 'absent' }));
  assert.ok(existsSync(join(b.folder, 'note.txt')));
  await onA.stop();
  rmSync(a.folder, { recursive: true });
  renameSync(away, a.folder);
  onA = new Watching(a, [a.folder, '--poll', '1']);
  await until('A is at rest', async () => (await status(a)).upToDate);
});

test('the first signal ends it in an orderly way', async () => {
  assert.equal(await onA.stop('SIGTERM'), 0);
  assert.equal(await onB.stop('SIGINT'), 0);
  assert.ok(onA.told('state', { state: 'stopped' }));
  assert.equal(existsSync(join(a.folder, '.tidemark/holder.json')), false);
});
