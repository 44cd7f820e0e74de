/** How much an event waits at the gate, and what a flood costs. In virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { channelPace } from '../../../client/agent/realtime/channel-pace.ts';
import { EventGate } from '../../../client/agent/realtime/event-gate.ts';
import { VirtualTime } from '../watch/virtual-time.ts';
import { commitOf } from './listening-folder.ts';

interface Passed {
  readonly seq: number;
  readonly atMs: number;
}

/** What passes of commits that come at these times, ascending; the seq of each is its place. */
async function passedOf(times: readonly number[]): Promise<readonly Passed[]> {
  const time = new VirtualTime();
  const passed: Passed[] = [];
  const gate = new EventGate(time, (event) => {
    if (event.kind === 'commit') passed.push({ seq: event.seq, atMs: time.now() });
  });
  for (const [i, at] of times.entries()) {
    await time.advance(at - time.now());
    assert.ok(gate.take(commitOf(1, i + 1)));
  }
  await time.advance(1_000);
  return passed;
}

test('the second of two commits waits little, wherever it comes, and those of a flood wait longer', async () => {
  const { heardSecondMs: secondMs, heardEveryMs: everyMs } = channelPace;
  for (const [gapMs, waitMs] of [
    [0, secondMs],
    [20, 30],
    [secondMs, 0],
    [120, 0],
    [everyMs - 1, 0],
    [everyMs, 0],
  ] as const) {
    const passed = await passedOf([0, gapMs]);
    assert.deepEqual(passed, [
      { seq: 1, atMs: 0 },
      { seq: 2, atMs: gapMs + waitMs },
    ]);
  }
  const flood = Array.from({ length: 900 }, (_, i) => i + 1);
  assert.deepEqual(
    (await passedOf(flood)).map(({ atMs }) => atMs - 1),
    [0, 50, 300, 550, 800, 1_050],
  );
});

test('somebody who saves every 300 ms waits for nothing', async () => {
  const times = Array.from({ length: 40 }, (_, i) => i * 300);
  assert.deepEqual(
    (await passedOf(times)).map(({ atMs }) => atMs),
    times,
  );
});

test('the newest passes within a window of when it came, and never more than two in one', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(400), { minLength: 1, maxLength: 40 }), async (gaps) => {
      let at = 0;
      const times = gaps.map((gap) => (at += gap));
      const passed = await passedOf(times);
      for (const [i, cameMs] of times.entries()) {
        const first = passed.find(({ seq, atMs }) => seq >= i + 1 && atMs >= cameMs);
        assert.ok(first !== undefined && first.atMs - cameMs <= channelPace.heardEveryMs);
      }
      for (const [i, { atMs }] of passed.entries()) {
        const third = passed[i + 2];
        assert.ok(third === undefined || third.atMs - atMs >= channelPace.heardEveryMs);
      }
    }),
    { numRuns: 30 },
  ));
