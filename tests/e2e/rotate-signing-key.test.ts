/** The key of a running stack is rotated, from the command line; two devices go on, nobody logs in or links anew. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { exitCodes } from '../../local/admin/exit-codes.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

const script = fileURLToPath(new URL('../../local/admin/main.ts', import.meta.url));
const patience = { timeout: 120_000 };
let world: World;
let a: Device;
let b: Device;

before(async () => {
  world = await openWorld();
  [a, b] = await openSharedFolder(world, 'main');
});
after(() => world.close());

async function admin<T>(...args: readonly string[]): Promise<T> {
  const given = [script, ...args, '--data', world.data, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, given);
  return JSON.parse(stdout) as T;
}

interface Jwk {
  readonly kid: string;
  readonly tm_endorsed_by?: string;
}

async function publishedKeys(): Promise<readonly Jwk[]> {
  const response = await fetch(`${world.stack.endpoints.server}/.well-known/tidemark-keys.json`);
  assert.match(response.headers.get('cache-control') ?? '', /max-age=300$/);
  return ((await response.json()) as { readonly keys: readonly Jwk[] }).keys;
}

/** The signer looks at its file every other second: asks until the key is out. */
async function untilPublished(keyId: string): Promise<void> {
  while ((await publishedKeys())[0]?.kid !== keyId) await new Promise((resolve) => setImmediate(resolve));
}

async function settle(): Promise<void> {
  await a.sync();
  const theirs = await b.sync();
  const ours = await a.sync();
  assert.deepEqual(compareFolders(a.folder, b.folder), []);
  assert.ok(ours.upToDate && theirs.upToDate);
  assert.equal(ours.root, theirs.root);
}

test('devices follow every rotation, and the journal of all keys is sound', patience, async () => {
  writeFileSync(join(a.folder, 'first'), '1');
  await settle();
  const [first] = await publishedKeys();
  const ids = [first!.kid];
  for (const name of ['second', 'third']) {
    const { keyId, previousKeyId } = await admin<{ keyId: string; previousKeyId: string }>('rotate-signing-key');
    assert.equal(previousKeyId, ids[0]);
    ids.unshift(keyId);
    await untilPublished(keyId);
    writeFileSync(join(a.folder, name), name);
    writeFileSync(join(b.folder, `${name} of b`), name);
    await settle();
  }
  const keys = await publishedKeys();
  assert.deepEqual(
    keys.map(({ kid, tm_endorsed_by: by }) => [kid, by]),
    ids.map((id, i) => [id, ids[i + 1]]),
  );
  const { sound } = await admin<{ sound: boolean }>('fsck', '--history');
  assert.equal(sound, true);
  assert.equal(readFileSync(join(world.data, 'signing-key.pem'), 'utf8').match(/PRIVATE KEY/g)?.length, 2);
});

test('a rotation that cannot be says why', patience, async () => {
  const exitOf = async (...args: readonly string[]): Promise<{ code: number | null; said: string }> =>
    promisify(execFile)(process.execPath, [script, 'rotate-signing-key', ...args]).then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
    );
  const lock = new DatabaseSync(join(world.data, 'signing-key.pem.lock'));
  lock.exec('BEGIN EXCLUSIVE');
  assert.deepEqual(await exitOf('--data', world.data), {
    code: exitCodes.unavailable,
    said: 'admin: another rotation of the signing keys is at work\n',
  });
  lock.close();
  assert.equal((await exitOf('--data', join(world.data, 'nowhere'))).code, exitCodes.notFound);
  const { code, said } = await exitOf('--data', world.data);
  assert.equal(code, exitCodes.ok);
  assert.match(said, /^[0-9a-f]{16}: follows [0-9a-f]{16}\nIt signs as soon as the service reads it\.\n$/);
});

test('a device that was away during rotations catches up, over a restart of the stack, too', patience, async () => {
  await admin('rotate-signing-key');
  const { keyId } = await admin<{ keyId: string }>('rotate-signing-key');
  await world.killAndRestart();
  await untilPublished(keyId);
  writeFileSync(join(a.folder, 'after'), 'the restart');
  await settle();
});
