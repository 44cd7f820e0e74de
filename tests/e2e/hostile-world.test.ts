/** What users, disks and networks do to a synced folder, through the real command line and stack. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { lockFolder } from '../../client/agent/folder/folder-lock.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

let world: World;
let a: Device;
let b: Device;

before(async () => {
  world = await openWorld();
  [a, b] = await openSharedFolder(world, 'world', 'near');
});
after(() => world.close());

/** After a change on `a`, by default; where both changed it takes one more. */
async function converged(order: readonly Device[] = [a, b]): Promise<void> {
  for (const device of order) await runNear(device, ['sync', device.folder]);
  assert.deepEqual(compareFolders(a.folder, b.folder), []);
}

test('a second agent on a folder says so, with the exit code for what waits for a person', async () => {
  writeFileSync(join(a.folder, 'first.txt'), 'first');
  const held = lockFolder(a.folder);
  for (const command of ['sync', 'status']) {
    const { code, stderr } = await runTide(a, [command, a.folder]);
    assert.equal(code, exitCodes.halted);
    assert.match(stderr, /another Tidemark agent is running/);
  }
  held.release();
  const both = await Promise.all([0, 1].map(() => runTide(a, ['sync', a.folder])));
  assert.ok(both.some(({ code }) => code === exitCodes.ok));
  assert.ok(both.every(({ code }) => code === exitCodes.ok || code === exitCodes.halted));
  await converged();
});

/** Names that a Linux disk can hold and that programs trip over. All of them are synced. */
const oddNames = [
  'x'.repeat(255),
  'ü'.repeat(127),
  'new\nline',
  'bell\u0007 and \u001b[31mred',
  'emoji 🌊👩‍👩‍👧',
  'trailing dot.',
  'trailing space ',
  ' leading',
  'CON',
  'nul.txt',
  'a:b',
  'back\\slash',
  'a?b*"<>|',
  'rtl\u202Efdp.exe',
  'zero\u200bwidth',
  'Case.txt',
  'case.txt',
  'caf\u00e9',
  'cafe\u0301',
  '...',
  '-rf',
  '$(touch x)',
  '%2e%2e',
  '\ufeffbom',
  '\uffff',
];

const times = { epoch: '@0', before: '@-1000000000', fraction: '@-0.5', y2038: '@2147483648', far: '@15000000000' };

function plantTimes(): void {
  for (const [name, time] of Object.entries(times)) {
    writeFileSync(join(a.folder, `time-${name}`), name);
    execFileSync('touch', ['-d', time, join(a.folder, `time-${name}`)]);
  }
}

function plantLinks(): void {
  symlinkSync('loop-1', join(a.folder, 'loop-2'));
  symlinkSync('loop-2', join(a.folder, 'loop-1'));
  symlinkSync('.', join(a.folder, 'self'));
  symlinkSync('/etc/passwd', join(a.folder, 'outside'));
  writeFileSync(join(a.folder, 'hard-1'), 'one inode');
  linkSync(join(a.folder, 'hard-1'), join(a.folder, 'hard-2'));
  writeFileSync(join(a.folder, 'holes'), '');
  truncateSync(join(a.folder, 'holes'), 64 * 1024 * 1024);
}

test('L9, L10: odd names arrive byte for byte, aliases of each other side by side', async () => {
  for (const name of oddNames) writeFileSync(join(a.folder, name), `content of ${name}`);
  plantTimes();
  plantLinks();
  const { bytesSent } = await a.sync();
  assert.ok(bytesSent < 256 * 1024, `${bytesSent} bytes, 64 MiB of nothing among them`);
  await converged();
  for (const name of oddNames) assert.equal(readFileSync(join(b.folder, name), 'utf8'), `content of ${name}`);
  renameSync(join(a.folder, 'Case.txt'), join(a.folder, 'CASE.txt'));
  const figures = await a.sync();
  assert.equal(figures.chunksNew, 0, 'a rename in case is a rename');
  await converged();
  assert.ok(existsSync(join(b.folder, 'CASE.txt')) && existsSync(join(b.folder, 'case.txt')));
});

test('a name on a terminal is text, whatever is in it', async () => {
  const { stdout } = await runTide(a, ['ls', '--workspace', 'world']);
  assert.ok(
    stdout.includes('\\u001b[31mred') && stdout.includes('\\u202efdp.exe') && stdout.includes('new\\u000aline'),
  );
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /\p{Cc}|\u202e/u);
});

test('L25: what cannot be synced is listed by its name, stays where it is, and stops nothing else', async () => {
  const control = ['.TIDEMARK', '.tidemark.', 'TIDEMA~1'];
  for (const name of control) writeFileSync(join(a.folder, name), 'mine');
  writeFileSync(Buffer.concat([Buffer.from(`${a.folder}/`), Buffer.from([0x62, 0xff])]), 'not UTF-8');
  execFileSync('mkfifo', [join(a.folder, 'fifo')]);
  writeFileSync(join(a.folder, 'beside.txt'), 'beside');
  const { code, stdout } = await runNear(a, ['sync', a.folder, '--json']);
  assert.equal(code, exitCodes.incomplete);
  const { problems } = JSON.parse(stdout) as { problems: { path: string; code: string }[] };
  const listed = problems.map(({ path, code }) => `${code} ${path}`).sort();
  assert.deepEqual(listed, ['name ', ...control.map((name) => `name ${name}`), 'special fifo'].sort());
  await b.sync();
  assert.equal(readFileSync(join(b.folder, 'beside.txt'), 'utf8'), 'beside');
  assert.deepEqual(
    readdirSync(b.folder).filter((name) => control.includes(name)),
    [],
  );
  for (const name of ['fifo', ...control]) rmSync(join(a.folder, name));
  rmSync(Buffer.concat([Buffer.from(`${a.folder}/`), Buffer.from([0x62, 0xff])]));
  await converged();
});

test('L12: times of 1970, before it, 2038 and far off are no change and end in no loop', async () => {
  for (const name of Object.keys(times)) {
    const [left, right] = [a, b].map(({ folder }) => lstatSync(join(folder, `time-${name}`)).mtimeMs);
    assert.ok(Math.abs(left! - right!) < 1_000, `${name}: ${left} and ${right}`);
  }
  for (const device of [a, b])
    assert.equal((await device.run<{ operations: number }>('sync', device.folder)).operations, 0);
});

test('of two hard links, an edit of one is an edit of both', async () => {
  writeFileSync(join(a.folder, 'hard-2'), 'both change');
  await converged();
  assert.equal(readFileSync(join(b.folder, 'hard-1'), 'utf8'), 'both change');
});

test('L24: nothing is written through a symlink that stands where a folder was', async () => {
  const outside = join(world.base, 'outside');
  mkdirSync(outside);
  mkdirSync(join(a.folder, 'inner/below'), { recursive: true });
  writeFileSync(join(a.folder, 'inner/below/one.txt'), 'one');
  await converged();
  for (let i = 0; i < 20; i++) writeFileSync(join(a.folder, `inner/below/new-${i}.txt`), `new ${i}`);
  writeFileSync(join(a.folder, 'inner/below/one.txt'), 'changed');
  await a.sync();
  renameSync(join(b.folder, 'inner'), join(world.base, 'taken away'));
  symlinkSync(outside, join(b.folder, 'inner'));
  await converged([b, a, b]);
  assert.deepEqual(readdirSync(outside), []);
  assert.ok(lstatSync(join(b.folder, 'inner')).isSymbolicLink() || lstatSync(join(b.folder, 'inner')).isDirectory());
  const kept = execFileSync('find', [a.folder, '-path', '*/below/new-*.txt', '-type', 'f'], { encoding: 'utf8' });
  assert.equal(kept.trim().split('\n').length, 20, 'what a wrote is still there');
});

test('L4: a root that is gone, empty or without its marker changes nothing, and is told as what it may be', async () => {
  const before = await a.run<{ workspaces: { seq: number }[] }>('list');
  const away = `${a.folder}-away`;
  renameSync(a.folder, away);
  const gone = await runTide(a, ['sync', a.folder]);
  mkdirSync(a.folder);
  const empty = await runTide(a, ['sync', a.folder]);
  assert.deepEqual([gone.code, empty.code], [exitCodes.halted, exitCodes.notFound]);
  for (const { stderr } of [gone, empty]) assert.match(stderr, /is its disk mounted\?/);
  assert.deepEqual(readdirSync(a.folder), []);
  rmSync(a.folder, { recursive: true });
  renameSync(away, a.folder);
  const marker = join(a.folder, '.tidemark', 'marker.json');
  renameSync(marker, `${marker}.away`);
  assert.equal((await runTide(a, ['sync', a.folder])).code, exitCodes.notFound);
  renameSync(`${marker}.away`, marker);
  assert.deepEqual(await a.run('list'), before);
});

type Damage = (journal: string) => void;

const damages: Readonly<Record<string, Damage>> = {
  garbage: (journal) => writeFileSync(journal, Buffer.alloc(100_000, 'x')),
  'overwritten in its middle': (journal) => {
    const file = openSync(journal, 'r+');
    writeSync(file, Buffer.alloc(40_000, 7), 0, 40_000, 8_192);
    closeSync(file);
  },
};

for (const [what, damage] of Object.entries(damages)) {
  test(`L2, L11: a journal that is ${what}: a new device goes on, nothing is deleted, nothing doubled`, async () => {
    writeFileSync(join(a.folder, 'victim.txt'), what);
    await converged();
    const journal = join(a.folder, '.tidemark', 'journal.db');
    for (const suffix of ['-wal', '-shm']) rmSync(journal + suffix, { force: true });
    damage(journal);
    rmSync(join(a.folder, 'victim.txt'));
    writeFileSync(join(a.folder, `since ${what}.txt`), 'new');
    const names = new Set([...readdirSync(b.folder), `since ${what}.txt`]);
    let said = '';
    // Damage in the middle may show only in use: then the first run sets the journal aside and says to run again.
    for (const run of [1, 2]) {
      const { code, stderr } = await runNear(a, ['sync', a.folder]);
      said += stderr;
      if (code !== exitCodes.ok) assert.ok(run === 1 && /run this again/.test(stderr), stderr);
    }
    assert.match(said, /goes on as a new device/);
    await converged();
    assert.deepEqual(new Set(readdirSync(b.folder)), names);
    assert.equal(
      readFileSync(join(a.folder, 'victim.txt'), 'utf8'),
      what,
      'an absence without a journal proves nothing',
    );
  });
}

test('L11: a copy of a folder goes on as a device of its own: two edits are a conflict, not one overwriting the other', async () => {
  writeFileSync(join(b.folder, 'shared.txt'), 'before');
  await b.sync();
  const copy = `${b.folder}-copy`;
  execFileSync('cp', ['-a', b.folder, copy]);
  const marker = (folder: string) => readFileSync(join(folder, '.tidemark', 'marker.json'), 'utf8');
  const { code, stderr } = await runTide(b, ['sync', copy]);
  assert.equal(code, exitCodes.ok);
  assert.match(stderr, /is a copy of another folder; it goes on as a new device/);
  assert.notEqual(marker(copy), marker(b.folder));
  assert.deepEqual(compareFolders(copy, b.folder), []);
  writeFileSync(join(copy, 'shared.txt'), 'by the copy');
  writeFileSync(join(b.folder, 'shared.txt'), 'by the original');
  for (const folder of [copy, b.folder, copy]) assert.equal((await runNear(b, ['sync', folder])).code, exitCodes.ok);
  assert.deepEqual(compareFolders(copy, b.folder), []);
  const texts = readdirSync(copy)
    .filter((name) => name.startsWith('shared'))
    .map((name) => readFileSync(join(copy, name), 'utf8'));
  assert.deepEqual(texts.sort(), ['by the copy', 'by the original']);
  rmSync(copy, { recursive: true });
});

test('a file that changes all the while is synced once it rests, whole', async () => {
  const file = join(a.folder, 'busy.log');
  writeFileSync(file, 'start\n');
  const output = openSync(file, 'a');
  const writing = setInterval(() => writeSync(output, 'another line of the log\n'.repeat(20)), 1);
  for (let round = 0; round < 2; round++) {
    const { code } = await runTide(a, ['sync', a.folder]);
    assert.ok(code === exitCodes.ok || code === exitCodes.incomplete, `exit code ${code}`);
    await runTide(b, ['sync', b.folder]);
    if (!existsSync(join(b.folder, 'busy.log'))) continue;
    const seen = readFileSync(join(b.folder, 'busy.log'));
    assert.deepEqual(seen, readFileSync(file).subarray(0, seen.length), 'what arrived is a state that was');
  }
  clearInterval(writing);
  closeSync(output);
  await converged([a, b, a]);
});

test('a captive portal that answers 200 with its page is no server and no data', async () => {
  const portal = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in to the wireless</html>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => portal.once('listening', resolve));
  const { port } = portal.address() as AddressInfo;
  const { code, stderr } = await runTide(a, [
    'login',
    '--dev',
    '--server',
    `http://127.0.0.1:${port}`,
    '--user',
    'ann',
  ]);
  portal.close();
  assert.equal(code, exitCodes.unreachable);
  assert.match(stderr, /check the address and for a proxy/);
});
