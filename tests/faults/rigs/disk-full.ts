/**
 * A device whose disk is full, on a small tmpfs. What does not fit leaves nothing behind, nothing is uploaded or deleted for it, and room
 * made for it is enough to finish.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compareFolders } from '../../../bench/demo/compare-folders.ts';
import { writeNoise } from '../../../bench/demo/source-tree.ts';
import { exitCodes } from '../../../client/cli/exit-codes.ts';
import { runTide } from '../../e2e/tide-process.ts';
import { openSharedFolder, openWorld } from '../../e2e/world.ts';
import { mustRun, needsRoot } from './machine.ts';
import type { Rig } from './rig.ts';

const MiB = 1024 * 1024;
const fileBytes = 16 * MiB;
const files = 8;

function mount(folder: string, megabytes: number): void {
  mustRun('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder);
}

export const diskFull: Rig = {
  name: 'disk-full',
  about: 'a disk without room for what comes, then with room',
  missing: needsRoot,
  run: async ({ progress }) => {
    const world = await openWorld();
    const broken: string[] = [];
    const small = join(world.base, 'full-b');
    mkdirSync(small);
    mount(small, 150);
    try {
      const [a, b] = await openSharedFolder(world, 'full');
      for (let i = 0; i < files; i++) writeNoise(join(a.folder, `${i}.bin`), fileBytes, i + 1);
      await a.sync();
      const { code, stdout } = await runTide(b, ['sync', b.folder]);
      if (code !== exitCodes.incomplete) broken.push(`exit code ${code} with a full disk`);
      if (!/full: /.test(stdout)) broken.push(`it does not say that the disk is full: ${stdout}`);
      const came = readdirSync(b.folder).filter((each) => each.endsWith('.bin'));
      for (const name of came) {
        if (statSync(join(b.folder, name)).size !== fileBytes) broken.push(`${name} is not whole`);
      }
      progress(`${came.length} of ${files} files fitted in`);
      const { applied } = await a.run<{ readonly applied: number }>('sync', a.folder);
      if (applied !== 0) broken.push(`${applied} changes came back from the full disk`);
      mustRun('mount', '-o', 'remount,size=400m', small);
      await b.sync();
      broken.push(...compareFolders(a.folder, b.folder));
      progress('there is room again');
      return { runs: 1, struck: 1, broken };
    } finally {
      mustRun('umount', '-l', small);
      await world.close();
    }
  },
};
