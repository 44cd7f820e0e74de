/** `tide sync --dry-run` tells what a sync would do, by paths, and does none of it. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import type { PlannedSync } from '../../client/cli/actions/plan.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

let world: World;
let a: Device;
let b: Device;

before(async () => {
  world = await openWorld();
  [a, b] = await openSharedFolder(world, 'plans', 'near');
});
after(() => world.close());

const put = (device: Device, path: string, text: string) => writeFileSync(join(device.folder, path), text);

async function planOf(
  device: Device,
  ...options: readonly string[]
): Promise<PlannedSync & { readonly code: number | null }> {
  const { code, stdout } = await runNear(device, ['sync', device.folder, '--dry-run', '--json', ...options]);
  return { ...(JSON.parse(stdout) as PlannedSync), code };
}

const brief = ({ changes }: PlannedSync) =>
  changes
    .map(({ side, what, from, path, isConflict }) =>
      [side, what, ...(from === null ? [] : [from]), path, ...(isConflict ? ['conflict'] : [])].join(' '),
    )
    .sort();

test('a new folder on one side: uploads there, downloads elsewhere; and nothing has happened', async () => {
  for (const name of ['one', 'two', 'three']) put(a, `${name}.txt`, name);
  const planned = await planOf(a);
  assert.deepEqual(brief(planned), [
    'workspace upload one.txt',
    'workspace upload three.txt',
    'workspace upload two.txt',
  ]);
  assert.equal(planned.bytesToSend, 'onetwothree'.length);
  assert.deepEqual(await planOf(a), planned);
  await a.sync();
  const theirs = await planOf(b);
  assert.deepEqual(brief(theirs), ['folder download one.txt', 'folder download three.txt', 'folder download two.txt']);
  assert.equal(theirs.bytesToFetch, 'onetwothree'.length);
  assert.deepEqual(readdirSync(b.folder), ['.tidemark']);
  await b.sync();
});

test('what both sides have already is recognised, to the end of the plan', async () => {
  put(a, 'same.txt', 'same');
  put(b, 'same.txt', 'same');
  put(b, 'more.txt', 'more');
  await a.sync();
  const planned = await planOf(b);
  assert.deepEqual(brief(planned), ['workspace upload more.txt']);
  assert.equal(planned.recognised, 1);
  await b.sync();
  await a.sync();
});

test('renames, new versions, deletes and conflicts are told apart; for people too', async () => {
  renameSync(join(a.folder, 'one.txt'), join(a.folder, 'first.txt'));
  rmSync(join(a.folder, 'two.txt'));
  put(a, 'three.txt', 'three by a');
  put(b, 'three.txt', 'three by b');
  await b.sync();
  const planned = await planOf(a);
  assert.deepEqual(brief(planned), [
    'workspace delete two.txt',
    'workspace rename one.txt first.txt',
    'workspace upload three.txt conflict',
  ]);
  const { code, stdout } = await runTide(a, ['sync', a.folder, '-n']);
  assert.equal(code, exitCodes.ok);
  assert.match(stdout, /rename +one\.txt -> first\.txt/);
  assert.match(stdout, /upload +10 B +three\.txt +\(new version; both sides changed it: nothing is lost\)/);
  assert.match(stdout, /Nothing was changed\.\n$/);
  assert.equal(readFileSync(join(a.folder, 'three.txt'), 'utf8'), 'three by a');
  await a.sync();
  assert.deepEqual(brief(await planOf(a)), []);
});

test('a mass deletion is told as what would stop a sync', async () => {
  for (let i = 0; i < 20; i++) put(a, `${i}.txt`, `file ${i}`);
  await a.sync();
  for (let i = 0; i < 20; i++) rmSync(join(a.folder, `${i}.txt`));
  const planned = await planOf(a);
  assert.equal(planned.code, exitCodes.halted);
  assert.equal(planned.halts[0]?.deletions, 20);
  assert.equal(planned.changes.length, 20);
  const allowed = await planOf(a, '--allow-mass-delete');
  assert.deepEqual([allowed.code, allowed.halts.length, allowed.changes.length], [exitCodes.ok, 0, 20]);
});
