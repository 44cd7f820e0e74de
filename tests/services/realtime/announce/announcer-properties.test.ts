/** Whatever the order in which events are announced, sent and lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { limits } from '../../../../shared/core/limits.ts';
import type { RealtimeEvent } from '../../../../shared/core/wire/realtime-event.ts';
import { RestingKeys } from '../../../../shared/services/realtime/announce/resting-keys.ts';
import {
  type Announcement,
  WaitingEvents,
  keyOf,
} from '../../../../shared/services/realtime/announce/waiting-events.ts';
import { createManualTimers } from '../../../contracts/manual-timers.ts';
import {
  type AnnouncerWorld,
  type HeldCall,
  commitOf,
  createAnnouncerWorld,
  eventOf,
  presenceOf,
  progressOf,
  settle,
  watch,
} from './announcer-world.ts';

const workspace = fc.integer({ min: 1, max: 3 });
const event = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(workspace, fc.integer({ min: 1, max: 20 })).map(([ws, seq]) => commitOf(ws, seq)) },
  {
    weight: 1,
    arbitrary: fc.tuple(workspace, fc.nat(2), fc.nat(100)).map(([ws, session, pc]) => progressOf(ws, session, pc)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(workspace, fc.nat(2), fc.constantFrom('idle' as const, 'syncing' as const, 'offline' as const))
      .map(([ws, device, state]) => presenceOf(ws, device, state)),
  },
);

const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('announce' as const), event }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('succeed' as const), at: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), at: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 50, 100, 6_000) }) },
);

interface Attempt {
  readonly atMs: number;
  readonly event: RealtimeEvent;
}

/** What was tried to send under each key, and when. */
function recordAttempts({ notifier, timers }: AnnouncerWorld): ReadonlyMap<string, readonly Attempt[]> {
  const attempts = new Map<string, Attempt[]>();
  const { before } = notifier;
  notifier.before = (call, signal) => {
    if (call.kind === 'send') {
      const sent = eventOf(call);
      const key = keyOf(sent);
      attempts.set(key, [...(attempts.get(key) ?? []), { atMs: timers.nowMs, event: sent }]);
    }
    return before?.(call, signal);
  };
  return attempts;
}

/** Lets everything that waits go out. */
async function drain({ held, timers }: AnnouncerWorld): Promise<void> {
  while (held.length > 0 || timers.pending > 0) {
    for (const call of held.slice()) call.succeed();
    await settle();
    timers.advance(limits.announcePaceMs);
  }
}

const seqOf = (given: RealtimeEvent): number => (given.kind === 'commit' ? given.seq : 0);

test('the first goes out at once, later ones at their pace, commits never back, and the last word stands', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      const world = createAnnouncerWorld();
      const { announcer, held, timers, counts } = world;
      const attempts = recordAttempts(world);
      const isLive = (call: HeldCall): boolean => call.signal?.aborted !== true;
      const last = new Map<string, RealtimeEvent>();
      const calls: { isDone: boolean }[] = [];
      for (const { kind, ...given } of acts) {
        if ('event' in given) {
          const key = keyOf(given.event);
          const before = attempts.get(key) ?? [];
          const restsUntilMs = (before.at(-1)?.atMs ?? -limits.announcePaceMs) + limits.announcePaceMs;
          const isUnderWay = held.some((call) => isLive(call) && call.event !== undefined && keyOf(call.event) === key);
          const isNews = seqOf(given.event) >= seqOf(last.get(key) ?? given.event);
          if (isNews) last.set(key, given.event);
          const call = watch(announcer.announce(given.event));
          calls.push(call);
          const isSent = (attempts.get(key)?.length ?? 0) > before.length;
          await settle();
          if (timers.nowMs < restsUntilMs) assert.deepEqual([isSent, call.isDone || isUnderWay], [false, true]);
          else if (isUnderWay) assert.equal(isSent, false);
          else if (isNews && !before.some((one) => seqOf(one.event) > 0 && seqOf(one.event) >= seqOf(given.event)))
            assert.equal(isSent, true, 'the first goes out at once');
        } else if ('at' in given) {
          const call = held[given.at % Math.max(1, held.length)];
          if (kind === 'succeed') call?.succeed();
          else call?.fail();
        } else timers.advance(given.ms);
        assert.ok(held.filter(isLive).length <= limits.announcementsSentAtOnceMax);
        await settle();
      }
      await drain(world);
      for (const [key, word] of last) assert.deepEqual(attempts.get(key)?.at(-1)?.event, word);
      for (const tried of attempts.values()) {
        for (const [i, one] of tried.entries()) {
          const next = tried[i + 1];
          if (next === undefined) break;
          assert.ok(next.atMs - one.atMs >= limits.announcePaceMs);
          assert.ok(seqOf(next.event) >= seqOf(one.event));
        }
      }
      assert.ok(calls.every(({ isDone }) => isDone));
      const outcomes = [...counts].reduce((sum, [, n]) => sum + n, 0);
      assert.equal(outcomes, calls.length, 'each call has one outcome');
    }),
    { numRuns: 150 },
  );
});

const waitingAct = fc.oneof(
  { weight: 4, arbitrary: fc.record({ event, isFree: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ free: event }) },
  { weight: 1, arbitrary: fc.constant({ take: true }) },
);

test('at most so many wait, one a key; what goes is the oldest word, and a commit only where there is no word', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(waitingAct, { maxLength: 60 }), (max, acts) => {
      const waiting = new WaitingEvents(max);
      /** In the order in which they came. */
      let model: Announcement[] = [];
      /** Keys in the order in which they became free. */
      let free: string[] = [];
      const isCommit = ({ event: { kind } }: Announcement): boolean => kind === 'commit';
      const takeOfModel = (): Announcement | undefined => {
        const ready = free.map((key) => model.find((one) => one.key === key)!);
        return ready.find(isCommit) ?? ready[0];
      };
      const forget = (gone: Announcement | undefined): void => {
        model = model.filter((one) => one !== gone);
        free = free.filter((key) => key !== gone?.key);
      };
      const takeBoth = (): Announcement | undefined => {
        const expected = takeOfModel();
        const taken = waiting.take();
        assert.equal(taken, expected);
        forget(taken);
        return taken;
      };
      const freeBoth = (key: string): void => {
        waiting.free(key);
        if (model.some((one) => one.key === key) && !free.includes(key)) free.push(key);
      };
      for (const given of acts) {
        if ('take' in given) takeBoth();
        else if ('free' in given) freeBoth(keyOf(given.free));
        else {
          const key = keyOf(given.event);
          const standing = model.find((one) => one.key === key);
          assert.equal(waiting.get(key), standing);
          if (standing !== undefined) continue;
          const settled = Promise.resolve();
          const announcement = { key, event: given.event, settled, settle: () => undefined };
          model.push(announcement);
          if (given.isFree) free.push(key);
          const oldest = model.find((one) => !isCommit(one)) ?? model[0];
          const dropped = waiting.add(announcement, given.isFree);
          assert.equal(dropped, model.length > max ? oldest : undefined);
          if (dropped !== undefined) forget(dropped);
        }
        assert.equal(waiting.size, model.length);
      }
      for (const { key } of model) freeBoth(key);
      while (takeBoth() !== undefined);
      assert.equal(waiting.size, 0);
    }),
  );
});

test('so many keys rest at most: past that the one that rests longest is free early, and each is freed once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(9), { maxLength: 40 }), (max, steps) => {
      const timers = createManualTimers();
      const freed: string[] = [];
      const began = new Map<string, number>();
      const resting = new RestingKeys(timers, 5, max, (key) => {
        freed.push(key);
        const isEarly = timers.nowMs - began.get(key)! < 5;
        const stillRest = [...began.keys()].filter((one) => resting.has(one));
        assert.equal(resting.has(key), false);
        assert.equal(isEarly, isEarly && stillRest.length === max);
        assert.ok(stillRest.every((one) => began.get(one)! >= began.get(key)!));
      });
      for (const [n, step] of steps.entries()) {
        if (step > 4) timers.advance(step - 4);
        else {
          began.set(`${n}`, timers.nowMs);
          resting.begin(`${n}`);
        }
      }
      timers.advance(5);
      assert.deepEqual(freed, [...began.keys()]);
      assert.equal(timers.pending, 0);
    }),
  );
});
