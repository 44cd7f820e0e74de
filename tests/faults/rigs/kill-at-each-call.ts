/**
 * kill -9 of `tide sync` at every call that changes a file system: the first of its kind, the second, and so on until a run ends unharmed.
 * Once for a device that receives, once for one that sends. After each kill the folder holds nothing that nobody wrote; one clean sync
 * later it equals the other.
 */
import { join } from 'node:path';
import { compareFolders } from '../../../bench/demo/compare-folders.ts';
import { type World, openSharedFolder, openWorld } from '../../e2e/world.ts';
import { needsTool } from './machine.ts';
import type { Rig, RigOptions, RigResult } from './rig.ts';
import { SharedWork } from './shared-work.ts';
import { changingCalls, knowsCall, syncUnderStrace } from './strace.ts';

type Side = 'receiver' | 'sender';

async function killEach(world: World, side: Side, { quick, progress }: RigOptions): Promise<RigResult> {
  const [a, b] = await openSharedFolder(world, `kill-${side}`);
  const work = new SharedWork(a.folder);
  const log = join(world.base, 'strace');
  const broken: string[] = [];
  let [runs, struck] = [0, 0];
  for (const call of changingCalls.filter(knowsCall)) {
    for (let when = 1; ; when += quick ? 7 : 1) {
      work.next();
      if (side === 'receiver') await a.sync();
      const run = await syncUnderStrace(side === 'receiver' ? b : a, log, { call, fault: 'signal=KILL', when });
      runs++;
      if (run.struck) struck++;
      const told = (line: string): number => broken.push(`${side}, ${call} ${when}: ${line}`);
      work.strangers(b.folder).forEach(told);
      await a.sync();
      await b.sync();
      compareFolders(a.folder, b.folder).forEach(told);
      work.strangers(b.folder).forEach(told);
      progress(`${side}: ${call} ${when}: ${run.struck ? 'killed' : `ended with ${run.code}`}`);
      if (!run.struck) break;
    }
  }
  return { runs, struck, broken };
}

function rigOf(side: Side, about: string): Rig {
  return {
    name: `kill-${side}`,
    about,
    missing: () => needsTool('strace', '--version'),
    run: async (options) => {
      const world = await openWorld();
      try {
        return await killEach(world, side, options);
      } finally {
        await world.close();
      }
    },
  };
}

export const killReceiver = rigOf('receiver', 'kill -9 at every changing call of a sync that receives');
export const killSender = rigOf('sender', 'kill -9 at every changing call of a sync that sends');
