/**
 * Calls of the file system that fail, each once: EIO, ENOSPC, EACCES, EMFILE. The sync says so or goes on; nothing is there that nobody
 * wrote, nothing is deleted elsewhere for it, and the next sync makes both folders equal.
 */
import { join } from 'node:path';
import { compareFolders } from '../../../bench/demo/compare-folders.ts';
import { openSharedFolder, openWorld } from '../../e2e/world.ts';
import { needsTool } from './machine.ts';
import type { Rig } from './rig.ts';
import { SharedWork } from './shared-work.ts';
import { knowsCall, syncUnderStrace } from './strace.ts';

const failures: readonly (readonly [call: string, error: string])[] = [
  ['fsync', 'EIO'],
  ['fdatasync', 'EIO'],
  ['pwrite64', 'ENOSPC'],
  ['pwrite64', 'EIO'],
  ['rename', 'EACCES'],
  ['rename', 'EXDEV'],
  ['unlink', 'EBUSY'],
  ['mkdir', 'EROFS'],
  ['rmdir', 'EBUSY'],
  ['symlink', 'EPERM'],
  ['utimensat', 'EPERM'],
  ['ftruncate', 'EFBIG'],
  ['getdents64', 'EIO'],
  ['readlink', 'EIO'],
];

/** A process that cannot even begin ends with one of these, and has done nothing. */
const callsMax = 40;

export const failingCalls: Rig = {
  name: 'failing-calls',
  about: 'every changing call fails once, with an error that disks have',
  missing: () => needsTool('strace', '--version'),
  run: async ({ quick, progress }) => {
    const world = await openWorld();
    const broken: string[] = [];
    let [runs, struck] = [0, 0];
    try {
      const [a, b] = await openSharedFolder(world, 'failing');
      const work = new SharedWork(a.folder);
      for (const [call, error] of failures.filter(([name]) => knowsCall(name))) {
        for (let when = 1; when <= callsMax; when += quick ? 7 : 1) {
          work.next();
          await a.sync();
          const run = await syncUnderStrace(b, join(world.base, 'strace'), { call, fault: `error=${error}`, when });
          runs++;
          const told = (line: string): number => broken.push(`${call} ${error} ${when}: ${line}`);
          work.strangers(b.folder).forEach(told);
          await b.sync();
          await a.sync();
          compareFolders(a.folder, b.folder).forEach(told);
          work.strangers(a.folder).forEach(told);
          progress(`${call} ${error} ${when}: ${run.struck ? 'failed' : 'not met'}, ended with ${run.code}`);
          if (!run.struck) break;
          struck++;
        }
      }
      return { runs, struck, broken };
    } finally {
      await world.close();
    }
  },
};
