/**
 * A power cut: the folder lies on an ext4 file system in a file. While `tide sync` runs it is stopped, and the file copied: what is in the
 * copy is what a disk would hold, and nothing of what waits in memory. The copy is mounted in the place of the first, and the device
 * goes on from it. Kept out of the game: disks that lie about a flush.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compareFolders } from '../../../bench/demo/compare-folders.ts';
import type { Device } from '../../../bench/demo/device.ts';
import { openSharedFolder, openWorld } from '../../e2e/world.ts';
import { mustRun, needsRoot, needsTool } from './machine.ts';
import type { Rig } from './rig.ts';
import { SharedWork } from './shared-work.ts';

const tide = fileURLToPath(new URL('../../../bin/tide.js', import.meta.url));
/** More than the agent keeps free. */
const imageMiB = 160;

/** The agent is stopped after so many milliseconds; false when it had ended by then. The file system is copied while it stands still. */
async function syncAndCut(device: Device, afterMs: number, cut: () => void): Promise<boolean> {
  const child = spawn(process.execPath, [tide, 'sync', device.folder, '--quiet'], {
    env: { ...process.env, TIDE_HOME: device.home },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await Promise.race([exited, after(afterMs)]);
  const isRunning = child.exitCode === null && child.signalCode === null;
  if (isRunning) child.kill('SIGSTOP');
  cut();
  child.kill('SIGKILL');
  await exited;
  return isRunning;
}

/** Nothing is written to the disk but what is flushed: no commits by the clock. */
function mount(image: string, folder: string): void {
  mustRun('mount', '-o', 'loop,commit=600', image, folder);
}

export const powerCut: Rig = {
  name: 'power-cut',
  about: 'the disk of a device loses all that was not flushed, in the middle of a sync',
  missing: () => needsRoot() ?? needsTool('mkfs.ext4', '-V'),
  run: async ({ quick, progress }) => {
    const world = await openWorld();
    const [image, copy] = [join(world.base, 'disk.ext4'), join(world.base, 'copy.ext4')];
    const broken: string[] = [];
    const cuts = quick ? 10 : 100;
    let struck = 0;
    const folder = join(world.base, 'power-b');
    mkdirSync(folder);
    mustRun('truncate', '-s', `${imageMiB}M`, image);
    mustRun('mkfs.ext4', '-q', image);
    mount(image, folder);
    try {
      const [a, b] = await openSharedFolder(world, 'power');
      const work = new SharedWork(a.folder);
      for (let n = 1; n <= cuts; n++) {
        work.next();
        await a.sync();
        // From the first thing that it does to after its end.
        const wasRunning = await syncAndCut(b, 200 + ((n * 37) % 61) * 25, () => {
          mustRun('cp', '--sparse=always', image, copy);
        });
        if (wasRunning) struck++;
        mustRun('umount', folder);
        renameSync(copy, image);
        mount(image, folder);
        const told = (line: string): number => broken.push(`cut ${n}: ${line}`);
        work.strangers(folder).forEach(told);
        await b.sync();
        await a.sync();
        compareFolders(a.folder, b.folder).forEach(told);
        work.strangers(a.folder).forEach(told);
        progress(`cut ${n} of ${cuts}: ${wasRunning ? 'in the middle' : 'after the end'}`);
      }
      return { runs: cuts, struck, broken };
    } finally {
      mustRun('umount', '-l', folder);
      await world.close();
    }
  },
};
