/** `tide` as a script or a newcomer meets it: output, exit codes, messages. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { type World, openWorld } from './world.ts';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

function tide(home: string, ...args: string[]) {
  const env = { ...process.env, TIDE_HOME: join(world.base, home), NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [tideScript, ...args], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('help has examples, for the program and for each command', () => {
  const program = tide('nobody', '--help');
  assert.equal(program.status, exitCodes.ok);
  for (const name of ['login', 'create', 'list', 'link', 'sync', 'status', 'ls', 'inspect']) {
    assert.match(program.stdout, new RegExp(`\\b${name}\\b`));
  }
  assert.match(tide('nobody', 'sync', '--help').stdout, /Examples:\n +\$ tide sync/);
});

test('a reader that goes away, such as `head`, ends the command quietly', () => {
  const command = `"${process.execPath}" "${tideScript}" --help | head -1`;
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  assert.match(stdout, /^Usage: tide/);
  assert.equal(stderr, '');
});

test('a typo is met with a suggestion and exit code 2', () => {
  const { status, stderr } = tide('nobody', 'snyc');
  assert.equal(status, exitCodes.usage);
  assert.match(stderr, /Did you mean sync/);
});

test('without a login commands say so, on stderr or as JSON, with exit code 3', () => {
  const plain = tide('nobody', 'list');
  assert.equal(plain.status, exitCodes.notLoggedIn);
  assert.match(plain.stderr, /tide login/);
  const json = tide('nobody', 'list', '--json');
  assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'unauthenticated');
});

test('credentials are readable by their owner only', () => {
  assert.equal(tide('ann', 'login', '--dev', '--server', world.stack.endpoints.server, '--user', 'ann').status, 0);
  assert.equal(statSync(join(world.base, 'ann', 'credentials.json')).mode & 0o777, 0o600);
});

test('plain http is refused for any machine but this one', () => {
  const { status, stderr } = tide('ann', 'login', '--server', 'http://sync.example.com');
  assert.equal(status, exitCodes.usage);
  assert.match(stderr, /https/);
});

test('an unreachable server is told apart by its exit code', () => {
  const { status } = tide('ann', 'login', '--dev', '--server', 'http://127.0.0.1:1', '--user', 'ann');
  assert.equal(status, exitCodes.unreachable);
});

test('a folder that is not linked, and a workspace that is not there, are told with what to do', () => {
  const folder = join(world.base, 'plain');
  mkdirSync(folder, { recursive: true });
  assert.match(tide('ann', 'sync', folder).stderr, /tide link/);
  const missing = tide('ann', 'link', folder, '--workspace', 'no such');
  assert.equal(missing.status, exitCodes.notFound);
  assert.match(missing.stderr, /tide list/);
});

test('inspect chunks prints where a file is cut; the parts add up to the file', () => {
  const file = join(world.base, 'sample.bin');
  writeFileSync(file, Buffer.alloc(1_000_000, 'tidemark '));
  const { stdout } = tide('nobody', 'inspect', 'chunks', file, '--profile', 'document', '--json');
  const { profile, size, chunks, root } = JSON.parse(stdout) as {
    profile: string;
    root: string;
    size: number;
    chunks: { offset: number; length: number; hash: string }[];
  };
  assert.equal(profile, 'document');
  assert.equal(size, 1_000_000);
  assert.match(root, /^[0-9a-f]{64}$/);
  let end = 0;
  for (const chunk of chunks) {
    assert.equal(chunk.offset, end);
    end += chunk.length;
  }
  assert.equal(end, size);
});
