/** What is wrong on the command line ends with 2 and says what is right, whoever finds it: commander or the command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { tideHere } from '../e2e/tide-in-process.ts';
import { runTide } from '../e2e/tide-process.ts';

const home = mkdtempSync(join(tmpdir(), 'tidemark-usage-'));
after(() => rmSync(home, { recursive: true }));

/** None of these needs a server, a login or a folder to be found wrong. */
const mistakes: readonly (readonly [string, RegExp])[] = [
  ['frobnicate', /unknown command/],
  ['login --server http://example.com', /https/],
  ['login --server a::b', /not a server address/],
  ['sync --bwlimit bla', /--bwlimit "bla" is not understood/],
  ['pause --for soon', /30m, 2h or 1h30m/],
  ['watch . --poll x', /from 1 to 3600/],
  ['watch', /tide service install/],
  ['status --watch --interval 0', /from 0.1 to 86400/],
  ['create x --mode x', /personal, shared/],
  ['restore', /--all/],
  ['restore --all --at soon', /"soon" is no point of the history/],
  ['conflicts resolve --all --keep x', /local .*remote .*both/],
  ['exclude', /--list/],
  ['inspect manifest zz --workspace w', /64 hexadecimal digits/],
  ['service install --print x', /systemd, launchd, task-scheduler/],
  ['ignore', /--preset NAME or --list/],
];

for (const [line, what] of mistakes) {
  test(`tide ${line}`, async () => {
    const { code, error } = await tideHere(home, ...line.split(' '));
    assert.match(error, what);
    assert.equal(code, exitCodes.usage);
  });
}

test('of commands that have commands, a slip is told with what was meant', async () => {
  for (const [line, meant] of [
    ['members remvoe w ann', 'remove'],
    ['devices revok phone', 'revoke'],
    ['conflicts resolv a b --keep both', 'resolve'],
    ['members remvoe w ann --yes', 'remove'],
    ['service instal a', 'install'],
  ] as const) {
    const { code, error } = await tideHere(home, ...line.split(' '));
    assert.match(error, new RegExp(`unknown command .*\\n\\(Did you mean ${meant}\\?\\)`), line);
    assert.equal(code, exitCodes.usage, line);
  }
  const { code, error } = await tideHere(home, 'members', 'list', 'a', 'b');
  assert.deepEqual([code, error.split('.')[0]], [exitCodes.usage, "too many arguments for 'list'"]);
});

test('with --json a mistake is an object on standard output, also for help of what is not there', async () => {
  const device = { home } as Parameters<typeof runTide>[0];
  for (const words of [
    ['help', 'frobnicate', '--json'],
    ['inspect', '--json'],
    ['sync', '--frob', '--json'],
  ]) {
    const { code, stdout } = await runTide(device, words);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    assert.deepEqual([code, error.code], [exitCodes.usage, 'malformed'], words.join(' '));
    assert.match(error.message, /unknown (?:command|option)/, words.join(' '));
  }
});

test('where the output has no room, one line says so', { skip: !existsSync('/dev/full') }, () => {
  const full = openSync('/dev/full', 'w');
  const tide = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [tide, 'version', '--json'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  assert.equal(status, exitCodes.failed);
  assert.equal(stderr, 'tide: the output could not be written: the disk is full\n');
});
