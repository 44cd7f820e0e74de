/** Two agents start on one folder at the same moment: one works, the other waits for it or says that it may not; nothing is done twice. */
import { compareFolders } from '../../../bench/demo/compare-folders.ts';
import { exitCodes } from '../../../client/cli/exit-codes.ts';
import { runTide } from '../../e2e/tide-process.ts';
import { openSharedFolder, openWorld } from '../../e2e/world.ts';
import type { Rig } from './rig.ts';
import { SharedWork } from './shared-work.ts';

export const twoAgents: Rig = {
  name: 'two-agents',
  about: 'two agents start on one folder at once',
  missing: () => undefined,
  run: async ({ quick, progress }) => {
    const world = await openWorld();
    const broken: string[] = [];
    const rounds = quick ? 3 : 20;
    let struck = 0;
    try {
      const [a, b] = await openSharedFolder(world, 'two');
      const work = new SharedWork(a.folder);
      for (let round = 1; round <= rounds; round++) {
        work.next();
        const ended = await Promise.all([a, a, b, b].map((device) => runTide(device, ['sync', device.folder])));
        const codes = ended.map(({ code }) => code);
        if (codes.includes(exitCodes.halted)) struck++;
        const isRight = (code: number | null): boolean => code === exitCodes.ok || code === exitCodes.halted;
        if (!codes.every(isRight)) broken.push(`round ${round}: exit codes ${codes.join(', ')}`);
        await a.sync();
        await b.sync();
        compareFolders(a.folder, b.folder).forEach((line) => broken.push(`round ${round}: ${line}`));
        work.strangers(b.folder).forEach((line) => broken.push(`round ${round}: ${line}`));
        progress(`round ${round} of ${rounds}: ended with ${codes.join(', ')}`);
      }
      return { runs: rounds, struck, broken };
    } finally {
      await world.close();
    }
  },
};
