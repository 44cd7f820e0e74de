/** The disk of a folder is not mounted, or goes away: nothing is deleted elsewhere, it is said with exit code 6, and it goes on when the disk is back. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareFolders } from '../../../bench/demo/compare-folders.ts';
import { exitCodes } from '../../../client/cli/exit-codes.ts';
import { runTide } from '../../e2e/tide-process.ts';
import { openSharedFolder, openWorld } from '../../e2e/world.ts';
import { mustRun, needsRoot } from './machine.ts';
import type { Rig } from './rig.ts';
import { SharedWork } from './shared-work.ts';

export const unmountedRoot: Rig = {
  name: 'unmounted-root',
  about: 'the disk that a folder lies on is not mounted',
  missing: needsRoot,
  run: async ({ quick, progress }) => {
    const world = await openWorld();
    const broken: string[] = [];
    const rounds = quick ? 2 : 10;
    const disk = join(world.base, 'disk');
    const folder = join(world.base, 'unmounted-b');
    for (const path of [disk, folder]) mkdirSync(path);
    mustRun('mount', '-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', disk);
    mustRun('mount', '--bind', disk, folder);
    try {
      const [a, b] = await openSharedFolder(world, 'unmounted');
      const work = new SharedWork(a.folder);
      for (let round = 1; round <= rounds; round++) {
        work.next();
        await a.sync();
        await b.sync();
        mustRun('umount', folder);
        const { code, stderr } = await runTide(b, ['sync', folder]);
        if (code !== exitCodes.halted && code !== exitCodes.notFound) broken.push(`round ${round}: exit code ${code}`);
        if (!/mounted/.test(stderr)) broken.push(`round ${round}: it does not ask for the disk: ${stderr}`);
        const { applied } = await a.run<{ readonly applied: number }>('sync', a.folder);
        if (applied !== 0) broken.push(`round ${round}: ${applied} changes came from a disk that is not there`);
        mustRun('mount', '--bind', disk, folder);
        await b.sync();
        compareFolders(a.folder, b.folder).forEach((line) => broken.push(`round ${round}: ${line}`));
        progress(`round ${round} of ${rounds}: ended with ${code}`);
      }
      return { runs: rounds, struck: rounds, broken };
    } finally {
      mustRun('umount', '-l', folder);
      mustRun('umount', '-l', disk);
      await world.close();
    }
  },
};
