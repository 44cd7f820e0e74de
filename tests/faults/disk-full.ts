/**
 * A device whose disk is full: `node tests/faults/disk-full.ts`, as root (it mounts a small tmpfs). What does not fit
 * leaves nothing behind, nothing is uploaded or deleted for it, and room made for it is enough to finish.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from '../e2e/tide-process.ts';
import { openSharedFolder, openWorld } from '../e2e/world.ts';

const MiB = 1024 * 1024;

function mount(folder: string, megabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
}

async function main(): Promise<void> {
  const world = await openWorld();
  const small = join(world.base, 'full-b');
  mkdirSync(small);
  mount(small, 100);
  try {
    const [a, b] = await openSharedFolder(world, 'full');
    for (let i = 0; i < 8; i++) writeNoise(join(a.folder, `${i}.bin`), 16 * MiB, i + 1);
    await a.sync();
    const { code, stdout } = await runTide(b, ['sync', b.folder]);
    console.log(stdout);
    assert.equal(code, exitCodes.incomplete);
    assert.match(stdout, /full: /);
    for (const name of readdirSync(b.folder).filter((each) => each.endsWith('.bin'))) {
      assert.equal(statSync(join(b.folder, name)).size, 16 * MiB, `${name} is whole`);
    }
    assert.deepEqual(readdirSync(join(b.folder, '.tidemark/tmp')), []);
    const again = await a.run<{ applied: number }>('sync', a.folder);
    assert.equal(again.applied, 0, 'nothing came back from the full disk');
    execFileSync('mount', ['-o', 'remount,size=400m', small]);
    await b.sync();
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
    assert.ok(existsSync(join(b.folder, '7.bin')));
    console.log('ok: paused while the disk was full, finished when there was room');
  } finally {
    execFileSync('umount', ['-l', small]);
    await world.close();
    rmSync(small, { recursive: true, force: true });
  }
}

await main();
