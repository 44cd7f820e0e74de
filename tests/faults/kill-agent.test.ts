/** kill -9 of the agent at random moments of a sync: what is acknowledged stays, nothing is torn, and one clean sync repairs all. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { type World, openSharedFolder, openWorld } from '../e2e/world.ts';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
const kills = 50;
const fileCount = 2_000;
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** Park and Miller's generator: enough to choose moments. */
function randomFrom(start: number): () => number {
  let state = (start % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Runs a sync and kills it after `ms` milliseconds, unless it has ended by then. */
async function syncAndKill(device: Device, ms: number): Promise<'killed' | 'ended'> {
  const child = spawn(process.execPath, [tideScript, 'sync', device.folder, '--quiet'], {
    env: { ...process.env, TIDE_HOME: device.home },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const [, signal] = (await exited) as [number | null, string | null];
  clearTimeout(timer);
  return signal === 'SIGKILL' ? 'killed' : 'ended';
}

function writeSome(folder: string, round: number, random: () => number): void {
  for (let i = 0; i < fileCount; i++) {
    if (round > 0 && random() > 0.05) continue;
    const below = join(folder, `folder-${i % 20}`);
    mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `file-${i}.txt`), `round ${round} file ${i} `.repeat(1 + (i % 50)));
  }
}

function tempFiles(folder: string): string[] {
  const inside = join(folder, '.tidemark', 'tmp');
  return existsSync(inside) ? readdirSync(inside) : [];
}

test(`${kills} kills of a sync of ${fileCount} files, seed ${seed}`, async (t) => {
  const random = randomFrom(seed);
  const [a, b] = await openSharedFolder(world, 'kills');
  let killed = 0;
  writeSome(a.folder, 0, random);
  for (let n = 0; n < kills; n++) {
    if (n % 5 === 4) writeSome(a.folder, n, random);
    const device = n % 2 === 0 ? a : b;
    if ((await syncAndKill(device, 150 + random() * 1_200)) === 'killed') killed++;
  }
  await a.sync();
  await b.sync();
  await a.sync();
  t.diagnostic(`${killed} of ${kills} syncs were killed under way`);
  assert.ok(killed > kills / 4, `only ${killed} syncs were killed: the moments are chosen badly`);
  assert.deepEqual(compareFolders(a.folder, b.folder), []);
  const names = readdirSync(a.folder, { recursive: true }).map(String);
  assert.deepEqual(
    names.filter((name) => name.includes('conflicted')),
    [],
    'a device does not conflict with itself',
  );
  const files = names.filter((name) => name.endsWith('.txt'));
  assert.equal(files.length, fileCount);
  assert.deepEqual([...tempFiles(a.folder), ...tempFiles(b.folder)], []);
});
