/** `tide ignore` and `tide why-ignored` with the real commands. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

test('what is ignored stays on its device; what is synced stays synced', async () => {
  const [a, b] = await openSharedFolder(world, 'ignored', 'near');
  mkdirSync(join(a.folder, 'node_modules'));
  writeFileSync(join(a.folder, 'node_modules/x'), 'x');
  writeFileSync(join(a.folder, 'old.log'), 'synced before the rule');
  await a.sync();
  mkdirSync(join(a.folder, 'app/node_modules'), { recursive: true });
  writeFileSync(join(a.folder, 'app/node_modules/y'), 'y');
  writeFileSync(join(a.folder, 'app/main.js'), 'main');
  const told = await runTide(a, ['ignore', '*.log', '--preset', 'node', '--folder', a.folder]);
  assert.equal(told.code, exitCodes.ok, told.stderr);
  assert.match(told.stdout, /added \*\.log\n/);
  assert.match(told.stdout, /2 files that match are synced already.*tide exclude/);
  const text = readFileSync(join(a.folder, '.tideignore'), 'utf8');
  await a.run('ignore', '*.log', '--preset', 'node', '--folder', a.folder);
  assert.equal(readFileSync(join(a.folder, '.tideignore'), 'utf8'), text, 'adding again changes nothing');
  writeFileSync(join(a.folder, 'new.log'), 'new');

  // The other device makes what the rule ignores before it has heard of the rule.
  writeFileSync(join(b.folder, 'other.log'), 'other');
  await a.sync();
  await b.sync();
  await a.sync();
  assert.ok(existsSync(join(b.folder, 'old.log')));
  assert.ok(existsSync(join(b.folder, 'node_modules/x')));
  assert.ok(existsSync(join(b.folder, 'app/main.js')));
  assert.ok(!existsSync(join(b.folder, 'app/node_modules')));
  assert.ok(!existsSync(join(b.folder, 'new.log')));
  assert.ok(!existsSync(join(a.folder, 'other.log')), 'rules come before what is new');

  const why = await runTide(a, ['why-ignored', join(a.folder, 'app/node_modules/y')]);
  assert.equal(why.code, exitCodes.ok);
  assert.match(why.stdout, /\.tideignore:3: node_modules\/, which matches app\/node_modules/);
  assert.equal((await runTide(a, ['why-ignored', join(a.folder, 'app/main.js')])).code, exitCodes.failed);
  const synced = await runNear(a, ['why-ignored', join(a.folder, 'old.log'), '--json']);
  assert.equal(synced.code, exitCodes.failed);
  assert.equal((JSON.parse(synced.stdout) as { synced: boolean }).synced, true);
  const listed = await runNear(a, ['ignore', '--list', '--folder', a.folder]);
  assert.match(listed.stdout, /\.tideignore:1 +\*\.log\n/);
  const wrong = await runNear(a, ['ignore', '[', '--folder', a.folder]);
  assert.equal(wrong.code, exitCodes.failed);
});
