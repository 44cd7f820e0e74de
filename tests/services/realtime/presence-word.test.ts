/** Whatever the order in which words arrive, and however often: the newest connection has the last word. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { limits } from '../../../shared/core/limits.ts';
import type { Opened } from '../../../shared/services/realtime/connection.ts';
import { type Word, shownState, takeWord } from '../../../shared/services/realtime/presence-word.ts';

type Said = NonNullable<ReturnType<typeof takeWord>>['said'];

const startMs = 1_000_000_000;
const words = ['connected', 'idle', 'syncing', 'disconnected'] as const;
const arrival = fc.record({
  by: fc.constantFrom<Opened>(
    { connectionId: 'b', openedMs: 1 },
    { connectionId: 'c', openedMs: 2 },
    { connectionId: 'a', openedMs: 2 },
    { connectionId: 'z', openedMs: 3 },
  ),
  word: fc.constantFrom<Word>(...words),
  afterMs: fc.nat(1_000),
});
type Arrival = typeof arrival extends fc.Arbitrary<infer One> ? One : never;

function newest(arrivals: readonly Arrival[]): Opened {
  return arrivals
    .map(({ by }) => by)
    .reduce((a, b) => ((a.openedMs - b.openedMs || (a.connectionId > b.connectionId ? 1 : -1)) > 0 ? a : b));
}

describe('the words of connections', () => {
  it('end at the last of the newest one, and a change is told exactly when another state is shown', () => {
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 1, maxLength: 30 }), (arrivals) => {
        let nowMs = startMs;
        let record: Said | undefined;
        for (const { by, word, afterMs } of arrivals) {
          nowMs += afterMs;
          const before = record === undefined ? undefined : shownState(record, nowMs);
          const taken = takeWord(record, word, by, nowMs);
          if (taken === undefined) continue;
          record = taken.said;
          const after = shownState(record, nowMs);
          assert.equal(taken.isChange, after.state !== (before?.state ?? 'offline'));
          if (before !== undefined && !taken.isChange) assert.equal(after.sinceMs, before.sinceMs);
        }
        const last = newest(arrivals);
        const said = arrivals.filter(({ by }) => by.connectionId === last.connectionId).map(({ word }) => word);
        const state = said.includes('disconnected')
          ? 'offline'
          : (said.findLast((word) => word !== 'connected') ?? 'idle');
        assert.deepEqual([record?.connectionId, record?.state], [last.connectionId, state]);
      }),
    );
  });

  it('of an older connection count once nothing was heard of the newer one for long, but for its end', () => {
    const newer = { connectionId: 'new', openedMs: 5 };
    const older = { connectionId: 'old', openedMs: 4 };
    for (const first of ['syncing', 'disconnected'] as const) {
      const { said } = takeWord(undefined, first, newer, startMs)!;
      for (const aside of [-1, 1]) {
        const live = startMs + aside * limits.presenceLiveSeconds * 1_000;
        assert.equal(takeWord(said, 'idle', older, live), undefined);
        assert.equal(takeWord(said, 'idle', older, live + aside)?.said.connectionId, 'old');
        assert.equal(takeWord(said, 'disconnected', older, live + aside), undefined);
      }
    }
  });
});
