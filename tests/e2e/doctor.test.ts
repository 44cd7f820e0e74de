/** `tide doctor` on a real folder and server: sound, and with one thing after another out of order. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import type { Checked } from '../../client/cli/doctor/check.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from './tide-process.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

let world: World;
let a: Device;

before(async () => {
  world = await openWorld();
  [a] = await openSharedFolder(world, 'clinic');
  writeFileSync(join(a.folder, 'a.txt'), 'a');
  await a.sync();
});
after(() => world.close());

/** Checks that are not `ok`, by name. */
async function findings(...args: readonly string[]) {
  const { code, stdout } = await runTide(a, ['doctor', ...args, '--json']);
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Checked[] };
  const wrong = checks.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${check} ${state}`);
  return { code, healthy, names: checks.map(({ check }) => check), wrong, checks };
}

test('a sound folder: everything is looked at, nothing is wrong, nothing is left behind', async () => {
  const { code, healthy, names, wrong } = await findings(a.folder);
  assert.deepEqual(
    [code, healthy, wrong.filter((each) => !/^(?:open files|disk space|flush|watches) warn/.test(each))],
    [0, true, []],
  );
  for (const name of ['node', 'server', 'clock', 'login', 'workspace', 'journal', 'file system', 'events', 'changes']) {
    assert.ok(names.includes(name), name);
  }
  assert.deepEqual(readdirSync(join(a.folder, '.tidemark/tmp')), []);
});

test('outside a linked folder it looks at what there is', async () => {
  const { code, names } = await findings();
  assert.equal(code, exitCodes.ok);
  assert.ok(names.includes('login') && !names.includes('journal'));
});

test('credentials that others can read, and changes that wait, are warnings', async () => {
  chmodSync(join(a.home, 'credentials.json'), 0o644);
  writeFileSync(join(a.folder, 'new.txt'), 'new');
  const { code, wrong } = await findings(a.folder);
  assert.equal(code, exitCodes.ok);
  assert.ok(wrong.includes('credentials warn') && wrong.includes('changes warn'), wrong.join());
  chmodSync(join(a.home, 'credentials.json'), 0o600);
});

test('a damaged journal is told, and not replaced', async () => {
  const file = join(a.folder, '.tidemark/journal.db');
  const journal = readFileSync(file);
  writeFileSync(file, Buffer.concat([journal.subarray(0, 4_096), Buffer.alloc(journal.length - 4_096, 7)]));
  const { code, wrong } = await findings(a.folder);
  assert.equal(code, exitCodes.incomplete);
  assert.ok(wrong.includes('journal fail'), wrong.join());
  assert.ok(!readdirSync(join(a.folder, '.tidemark')).some((name) => name.includes('.lost-')));
  writeFileSync(file, journal);
});

test('a revoked device and a server that is away are failures that say what to do', async () => {
  const { deviceId } = JSON.parse(readFileSync(join(a.folder, '.tidemark/marker.json'), 'utf8')) as {
    deviceId: string;
  };
  await a.run('devices', 'revoke', deviceId, '--yes');
  const revoked = await findings(a.folder);
  assert.equal(revoked.code, exitCodes.incomplete);
  assert.match(revoked.checks.find(({ check }) => check === 'workspace')?.advice ?? '', /tide unlink/);
  await world.stack.kill();
  const away = await runTide(a, ['doctor', a.folder]);
  assert.equal(away.code, exitCodes.incomplete);
  assert.match(away.stdout, /^FAIL {2}server +http.* does not answer/m);
});
