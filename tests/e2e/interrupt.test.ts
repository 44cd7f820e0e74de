/** Ctrl-C in the middle of an upload: what is in flight ends, nothing new begins, and the next sync goes on from there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { proxyEnvironment, startFaultProxy } from '../faults/fault-proxy.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

const MiB = 1024 * 1024;
const sizeBytes = 24 * MiB;
const tide = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
let world: World;
let a: Device;

before(async () => {
  world = await openWorld();
  [a] = await openSharedFolder(world, 'stopped');
  writeNoise(join(a.folder, 'large.bin'), sizeBytes, 5);
});
after(() => world.close());

/**
 * Runs a sync through a proxy that holds back what the store answers, and sends the sync a Ctrl-C, `times` times, when the first answer is
 * held. So a pack is in flight then for certain. It is answered when the sync has said that it waits for it.
 */
async function syncAndStop(times: 1 | 2) {
  const isHeld = Promise.withResolvers<void>();
  const isTold = Promise.withResolvers<void>();
  const blobPort = Number(new URL(world.stack.endpoints.blobs).port);
  const hold = { kind: 'hold-down', after: 0, until: () => (isHeld.resolve(), isTold.promise) } as const;
  const proxy = await startFaultProxy((port) => (port === blobPort ? hold : { kind: 'none', after: 0 }));
  const child = spawn(process.execPath, [tide, 'sync', a.folder, '--verbose', '--json'], {
    env: { ...process.env, TIDE_HOME: a.home, ...proxyEnvironment(proxy) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (!stderr.includes('Finishing')) return;
    if (times === 2) child.kill('SIGINT');
    else isTold.resolve();
  });
  await isHeld.promise;
  child.kill('SIGINT');
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  proxy.close();
  return { code, stdout, stderr, packs: stderr.match(/PUT .*: 201 /g)?.length ?? 0 };
}

test('the first one lets packs in flight arrive; the next sync sends only the rest', async () => {
  const { code, stdout, stderr, packs } = await syncAndStop(1);
  assert.equal(code, exitCodes.interrupted);
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'interrupted');
  assert.match(stderr, /Finishing what is in flight[^]*PUT .*: 201 /);
  assert.doesNotMatch(stderr, /no answer after/);
  assert.ok(packs >= 1);
  const rest = await a.sync();
  assert.ok(rest.upToDate);
  assert.ok(rest.bytesSent < sizeBytes - (packs - 1) * 8 * MiB, `${packs} packs, then ${rest.bytesSent} bytes`);
});

test('the second one stops at once, and that is harmless too', async () => {
  writeNoise(join(a.folder, 'other.bin'), sizeBytes / 2, 6);
  const { code, packs } = await syncAndStop(2);
  assert.deepEqual([code, packs], [exitCodes.interrupted, 0]);
  assert.ok((await a.sync()).upToDate);
});
