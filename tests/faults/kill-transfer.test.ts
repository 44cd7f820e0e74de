/** kill -9 of the agent in the middle of a large file, on either way: what had arrived is not sent or fetched again. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { type World, openSharedFolder, openWorld } from '../e2e/world.ts';
import { type FaultProxy, proxyEnvironment, startFaultProxy } from './fault-proxy.ts';

const MiB = 1024 * 1024;
const fileBytes = 64 * MiB;
const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** Begins a sync through a proxy, and kills it when so much has passed to or from the storage. */
async function syncAndKill(device: Device, passed: (proxy: FaultProxy, storage: number) => boolean): Promise<void> {
  const storage = Number(new URL(world.stack.endpoints.blobs).port);
  const proxy = await startFaultProxy(() => ({ kind: 'none', after: 0 }));
  const child = spawn(process.execPath, [tideScript, 'sync', device.folder, '--quiet'], {
    env: { ...process.env, TIDE_HOME: device.home, ...proxyEnvironment(proxy) },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  proxy.onPassed(() => {
    if (passed(proxy, storage)) child.kill('SIGKILL');
  });
  const [, signal] = await exited;
  proxy.close();
  assert.equal(signal, 'SIGKILL', 'it was killed under way');
}

test('neither an upload nor a download that was killed starts over', { timeout: 120_000 }, async (t) => {
  const [a, b] = await openSharedFolder(world, 'kill-transfer');
  writeNoise(join(a.folder, 'noise.bin'), fileBytes, 11);
  await syncAndKill(a, (proxy, storage) => proxy.sentTo(storage) > 44 * MiB);
  const { bytesSent } = await a.sync();
  t.diagnostic(`the second upload sent ${bytesSent} of ${fileBytes} bytes`);
  assert.ok(bytesSent < 48 * MiB, `${bytesSent}`);

  await syncAndKill(b, (proxy, storage) => proxy.receivedFrom(storage) > 44 * MiB);
  const partial = readdirSync(join(b.folder, '.tidemark', 'tmp'));
  assert.equal(partial.length, 1, 'what was written is there');
  const { bytesReceived } = await b.sync();
  t.diagnostic(`the second download received ${bytesReceived} of ${fileBytes} bytes`);
  assert.ok(bytesReceived < 48 * MiB, `${bytesReceived}`);
  assert.ok(readFileSync(join(b.folder, 'noise.bin')).equals(readFileSync(join(a.folder, 'noise.bin'))));
  assert.deepEqual(readdirSync(join(b.folder, '.tidemark', 'tmp')), []);
});
