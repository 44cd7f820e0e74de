/** The simulation as a gate: histories of many seeds, and the same seed the same trace. That it can fail: planted-bugs.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { type HistoryResult, runHistory } from './history.ts';

await installNativeBlake3();

const histories = 500;

function said({ seed, failure, trace }: HistoryResult): string {
  return `${failure}\n${trace.slice(-30).join('\n')}\nrepeat: npm run sim -- --seed ${seed} --runs 1 --trace`;
}

describe('the simulation', () => {
  it(`of ${histories} histories breaks no promise`, async () => {
    for (let seed = 1; seed <= histories; seed++) {
      const result = await runHistory({ seed });
      assert.equal(result.failure, null, said(result));
    }
  });

  it('does the same for the same seed, to the last line of its trace', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const [first, second] = [await runHistory({ seed }), await runHistory({ seed })];
      assert.equal(first.traceHash, second.traceHash, `seed ${seed}`);
      assert.ok(first.steps > 0);
    }
    assert.notEqual((await runHistory({ seed: 1 })).traceHash, (await runHistory({ seed: 2 })).traceHash);
  });
});
