/** Proof that the simulation can fail: bugs put in on purpose, each of which lost users' data in some product, are found. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { runHistory } from './history.ts';
import { type PlantedBug, plantedBugs } from './planted-bugs.ts';

await installNativeBlake3();

/** Each is found within a third of these. */
const historiesMax = 300;

describe('the simulation finds a planted bug:', () => {
  for (const bug of Object.keys(plantedBugs) as PlantedBug[]) {
    it(bug, async () => {
      for (let seed = 1; seed <= historiesMax; seed++) {
        const { failure } = await runHistory({ seed, bug });
        if (failure !== null) return;
      }
      assert.fail(`not found in ${historiesMax} histories`);
    });
  }
});
