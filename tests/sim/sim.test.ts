/** The same seed is the same history. What histories hold to: first-half.test.ts, second-half.test.ts; that they can fail: mutants.test.ts. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { runHistory } from './history.ts';

await installNativeBlake3();

it('the simulation does the same for the same seed, to the last line of its trace', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const [first, second] = [await runHistory({ seed }), await runHistory({ seed })];
    assert.equal(first.traceHash, second.traceHash, `seed ${seed}`);
    assert.ok(first.steps > 0);
  }
  assert.notEqual((await runHistory({ seed: 1 })).traceHash, (await runHistory({ seed: 2 })).traceHash);
});
