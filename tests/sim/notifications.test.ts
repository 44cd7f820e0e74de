/**
 * Notifications may be lost, repeated, late, and wrong: what comes of a history is the same. Without concurrent edits that is the same tree, to the
 * byte (marks differ: they hold the times of files); with them all promises hold at every rate, and all devices end up equal.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { runHistory } from './history.ts';
import { deliveries } from './notifications.ts';
import { type QuietResult, playQuietly } from './quiet-history.ts';

await installNativeBlake3();

const seeds = Array.from({ length: 24 }, (_, i) => i + 1);
const acts = 6;

describe('a history without concurrent edits', () => {
  const played = new Map<number, readonly QuietResult[]>();

  it('ends the same for all devices whether 0 %, 50 % or 300 % of the notifications arrive, with lies among them', async () => {
    for (const seed of seeds) {
      const rates = [0, 0.5, 3] as const;
      const results: QuietResult[] = [];
      for (const delivery of rates) results.push(await playQuietly({ seed, delivery, lies: true, acts }));
      const [none, ...others] = results;
      for (const other of others) {
        assert.deepEqual(other.tree, none!.tree, `seed ${seed}`);
        assert.equal(other.seq, none!.seq, `seed ${seed}`);
      }
      played.set(seed, results);
    }
    assert.ok(
      [...played.values()].some(([none]) => none!.tree.size > 3),
      'nothing was left to compare',
    );
  });

  it('asks the server less where more arrives', () => {
    const questions = [0, 1, 2].map((rate) =>
      [...played.values()].reduce((sum, results) => sum + results[rate]!.questions, 0),
    );
    assert.ok(questions[0]! > questions[1]! && questions[1]! > questions[2]!, `questions: ${questions.join(', ')}`);
  });

  it('needs no question at all where each notification arrives once', async () => {
    for (const seed of seeds) {
      const { questions, seq } = await playQuietly({ seed, delivery: 1, lies: false, acts });
      const { questions: atFirst } = await playQuietly({ seed, delivery: 1, lies: false, acts: 0 });
      assert.ok(seq > 0);
      assert.equal(questions, atFirst, `seed ${seed}`);
    }
  });
});

describe('a history in which everything goes wrong at once', () => {
  for (const delivery of deliveries) {
    it(`breaks no promise where ${100 * delivery} % of the notifications arrive`, async () => {
      for (let seed = 700_001; seed <= 700_010; seed++) {
        const { failure, trace } = await runHistory({ seed, delivery, operations: 6 });
        assert.equal(failure, null, `${failure}\n${trace.slice(-30).join('\n')}\nseed ${seed}`);
      }
    });
  }
});
