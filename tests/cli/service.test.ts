/** `tide service` with a stand-in for systemctl that notes how it was called. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../client/cli/exit-codes.ts';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
const base = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark-service-')));
after(() => rmSync(base, { recursive: true, force: true }));
const calls = join(base, 'calls');
const unit = join(base, 'config/systemd/user/tidemark.service');

function tide(...args: string[]) {
  const env = {
    ...process.env,
    HOME: base,
    TIDE_HOME: join(base, 'home'),
    XDG_CONFIG_HOME: join(base, 'config'),
    PATH: `${join(base, 'bin')}${delimiter}/bin${delimiter}/usr/bin`,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [tideScript, ...args], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

function standIn(script: string): void {
  mkdirSync(join(base, 'bin'), { recursive: true });
  writeFileSync(join(base, 'bin/systemctl'), `#!/bin/sh\necho "$*" >> '${calls}'\n${script}\n`);
  chmodSync(join(base, 'bin/systemctl'), 0o755);
  rmSync(calls, { force: true });
}

function linkedFolder(name: string): string {
  const folder = join(base, name);
  mkdirSync(join(folder, '.tidemark'), { recursive: true });
  const marker = { format: 1, workspaceId: '0'.repeat(31) + '1', deviceId: '0'.repeat(31) + '2' };
  writeFileSync(join(folder, '.tidemark/marker.json'), JSON.stringify(marker));
  return folder;
}

test('install, status, remove', { skip: process.platform !== 'linux' }, () => {
  const [photos, notes] = [linkedFolder('photos'), linkedFolder('notes')];
  standIn('case "$*" in *is-active*) exit 3;; esac');
  const installed = tide('service', 'install', photos, notes, '--json');
  assert.equal(installed.status, 0, installed.stderr);
  assert.deepEqual(JSON.parse(installed.stdout), { folders: [photos, notes], file: unit, started: true, todo: [] });
  assert.match(readFileSync(unit, 'utf8'), new RegExp(`^ExecStart=".*" "${tideScript}" "watch"$`, 'm'));
  assert.match(readFileSync(calls, 'utf8'), /--user daemon-reload\n--user enable --now tidemark\.service\n$/);

  standIn('exit 0');
  const status = JSON.parse(tide('service', 'status', '--json').stdout) as Record<string, unknown>;
  assert.deepEqual(status, { installed: true, running: true, file: unit, folders: [photos, notes] });
  // A folder that is gone can still be taken off the list.
  rmSync(notes, { recursive: true });
  const less = JSON.parse(tide('service', 'remove', notes, '--json').stdout) as Record<string, unknown>;
  assert.deepEqual(less, { folders: [photos], removed: false, todo: [] });
  assert.match(readFileSync(calls, 'utf8'), /--user restart tidemark\.service\n$/);
  assert.equal(tide('service', 'remove', notes).status, exitCodes.notFound);
  tide('service', 'remove');
  assert.equal(existsSync(unit), false);
  assert.match(readFileSync(calls, 'utf8'), /--user disable --now tidemark\.service\n$/);
});

test('where the system refuses, the commands that are left are told', { skip: process.platform !== 'linux' }, () => {
  const photos = linkedFolder('photos');
  standIn('exit 1');
  const { status, stdout } = tide('service', 'install', photos);
  assert.equal(status, 0);
  assert.match(stdout, /\$ systemctl --user daemon-reload\n {2}\$ systemctl --user enable --now tidemark\.service/);
});

test('only linked folders are taken, and --print changes nothing', () => {
  const plain = join(base, 'plain');
  mkdirSync(plain);
  assert.equal(tide('service', 'install', plain).status, exitCodes.notFound);
  const { stdout, status } = tide('service', 'install', '--print', 'launchd');
  assert.equal(status, 0);
  assert.match(stdout, /<key>ProgramArguments<\/key>/);
  assert.equal(tide('service', 'install', '--print', 'cron').status, exitCodes.usage);
});
