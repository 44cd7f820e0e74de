/** Conflicts through the command line: two edits of one file under each policy and mode, and how a person settles what is left. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import type { ConflictView } from '../../client/cli/actions/conflicts.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openWorld } from './world.ts';

type Content = string | Uint8Array;

/** A file as both know it, and as each edits it. */
interface Met {
  readonly base: Content;
  readonly byA: Content;
  readonly byB: Content;
}

let world: World;
let a: Device;
let b: Device;

/** One workspace for all tests, each with files of its own: its policy is changed in between. */
before(async () => {
  world = await openWorld();
  const { server } = world.stack.endpoints;
  [a, b] = [world.near('laptop'), world.near('phone')];
  await a.run('login', '--dev', '--server', server, '--user', 'ann');
  await a.run('create', 'notes', '--policy', 'merge');
  for (const device of [a, b]) await device.link(server, 'ann', 'notes');
});
after(() => world.close());

/** a commits its edits first; then b, and then both have everything. */
async function meet(files: Readonly<Record<string, Met>>): Promise<void> {
  for (const [name, { base }] of Object.entries(files)) writeFileSync(join(a.folder, name), base);
  for (const device of [a, b]) await device.sync();
  for (const [name, { byA, byB }] of Object.entries(files)) {
    writeFileSync(join(a.folder, name), byA);
    writeFileSync(join(b.folder, name), byB);
  }
  for (const device of [a, b, a]) await device.sync();
}

/** The files of both devices that begin with this, which must be the same. */
function files(prefix: string): Record<string, string> {
  const [ofA, ofB] = [a, b].map(({ folder }) => {
    const names = readdirSync(folder).filter((name) => name.startsWith(prefix));
    return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  });
  assert.deepEqual(ofA, ofB);
  return ofA!;
}

/** The one conflict copy of a file of this beginning. */
function copyOf(prefix: string): string {
  const [copy, ...others] = Object.keys(files(prefix)).filter((name) => name.includes('conflicted copy of phone'));
  assert.ok(copy !== undefined && others.length === 0);
  return copy;
}

/** What a command prints for a person. */
async function say(device: Device, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runNear(device, args);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

async function json(device: Device, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await runNear(device, [...args, '--json']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const text = (first: string, last: string) => `${first}\nb\nc\nd\n${last}\n`;
const byBoth: Met = { base: 'draft', byA: 'by a', byB: 'by b' };

test('policy merge: both edits of a text and of JSON are in one file; of binary files the later is a copy', async () => {
  const json = (a: number, rest: string) => `{"a": ${a}, ${rest}}`;
  await meet({
    'merged.txt': { base: text('a', 'e'), byA: text('A', 'e'), byB: text('a', 'E') },
    'merged.json': {
      base: json(1, '"b": 2'),
      byA: json(9, '"b": 2'),
      byB: json(1, '"b": 8, "id": 12345678901234567890'),
    },
    'noise.bin': { base: Uint8Array.of(0, 1, 10, 3), byA: Uint8Array.of(0, 9, 10, 3), byB: Uint8Array.of(0, 1, 10, 9) },
  });
  assert.deepEqual(files('merged'), {
    'merged.json': json(9, '"b": 8, "id": 12345678901234567890'),
    'merged.txt': text('A', 'E'),
  });
  assert.match(copyOf('noise'), /^noise \(conflicted copy of phone \d{4}-\d\d-\d\d\)\.bin$/);
});

test('mode shared: the later edit is settled on its device by the policy, within one sync', async () => {
  await a.run('policy', 'notes', '--mode', 'shared', '--policy', 'copy');
  await meet({ 'shared.txt': byBoth });
  assert.deepEqual(files('shared'), { [copyOf('shared')]: 'by b', 'shared.txt': 'by a' });
  const policy = await json(a, 'policy', 'notes', '--policy', 'latest');
  assert.deepEqual([policy['mode'], policy['policy']], ['shared', 'latest']);
  await meet({ 'latest.txt': byBoth });
  assert.deepEqual(files('latest'), { 'latest.txt': 'by b' });
  await a.run('policy', 'notes', '--mode', 'personal', '--policy', 'copy');
});

test('conflicts are listed on every device, shown, and settled in three ways; nothing of them is lost', async () => {
  const met = { base: text('a', 'e'), byA: text('A', 'e'), byB: text('a', 'E') };
  await meet({ 'one.txt': met, 'two.txt': byBoth, 'three.txt': byBoth });
  for (const device of [a, b]) {
    const { conflicts } = await json(device, 'conflicts', 'list', device.folder);
    const [conflict] = (conflicts as ConflictView[]).filter(({ original }) => original?.path === 'one.txt');
    assert.deepEqual([conflict?.copy.path, conflict?.device], [copyOf('one'), 'phone']);
  }
  const shown = await say(a, 'conflicts', 'show', join(a.folder, 'one.txt'));
  for (const line of ['-A', '+a', '-e', '+E', ' c']) assert.ok(shown.split('\n').includes(line), shown);

  await a.run('conflicts', 'resolve', join(a.folder, copyOf('one')), '--keep', 'local');
  await a.run('conflicts', 'resolve', join(a.folder, 'two.txt'), '--keep', 'remote');
  await a.run('conflicts', 'resolve', join(a.folder, 'three.txt'), '--keep', 'both');
  await b.sync();
  assert.deepEqual(files('one'), { 'one.txt': text('a', 'E') });
  assert.deepEqual(files('two'), { 'two.txt': 'by a' });
  const [plain] = Object.keys(files('three'));
  assert.match(plain!, /^three \(phone \d{4}-\d\d-\d\d\)\.txt$/);
  assert.deepEqual(files('three'), { [plain!]: 'by b', 'three.txt': 'by a' });
  const { versions } = await json(a, 'history', join(a.folder, 'one.txt'));
  assert.equal((versions as unknown[]).length, 3, 'what the copy took the place of is in the history');
});

test('a copy whose original is gone is never deleted; a renamed one is no conflict; what cannot be done is refused', async () => {
  await meet({ 'gone.txt': byBoth, 'other.txt': byBoth });
  const copy = copyOf('gone');
  rmSync(join(a.folder, 'gone.txt'));
  renameSync(join(a.folder, copyOf('other')), join(a.folder, 'mine.txt'));
  const refused = await runTide(a, ['conflicts', 'resolve', join(a.folder, copy), '--keep', 'remote']);
  assert.equal(refused.code, 7);
  assert.match(refused.stdout, /only version/);
  assert.equal(readFileSync(join(a.folder, copy), 'utf8'), 'by b');
  assert.match(await say(a, 'conflicts', 'list', a.folder), /the original is gone/);
  const none = await runTide(a, ['conflicts', 'resolve', join(a.folder, 'mine.txt'), '--keep', 'remote']);
  assert.deepEqual([none.code, existsSync(join(a.folder, 'mine.txt'))], [4, true]);
  await a.run('conflicts', 'resolve', '--all', '--keep', 'local', a.folder);
  await b.sync();
  assert.deepEqual(files('gone'), { 'gone.txt': 'by b' });
  assert.equal(await say(a, 'conflicts', a.folder), 'No conflicts.\n');
  assert.equal((await runTide(a, ['conflicts', 'resolve', '--all', '--keep', 'nothing', a.folder])).code, 2);
});
