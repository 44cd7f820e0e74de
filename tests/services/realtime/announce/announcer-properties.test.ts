/** Whatever the order in which events are announced, sent and lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { limits } from '../../../../shared/core/limits.ts';
import {
  type Announcement,
  WaitingEvents,
  keyOf,
} from '../../../../shared/services/realtime/announce/waiting-events.ts';
import { commitOf, createAnnouncerWorld, eventOf, presenceOf, progressOf, settle, watch } from './announcer-world.ts';

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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 50, 6_000) }) },
);

test('commits never go back, the last that was tried is the highest, the last word stands, and every call resolves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      const world = createAnnouncerWorld();
      const { announcer, held, notifier, timers, counts } = world;
      const tried = new Map<string, number[]>();
      const before = notifier.before!;
      notifier.before = (call, signal) => {
        if (call.kind === 'send') {
          const sent = eventOf(call);
          const seqs = tried.get(keyOf(sent)) ?? [];
          tried.set(keyOf(sent), [...seqs, sent.kind === 'commit' ? sent.seq : 0]);
          last.set(keyOf(sent), sent);
        }
        return before(call, signal);
      };
      const last = new Map<string, unknown>();
      const highest = new Map<string, number>();
      const words = new Map<string, unknown>();
      const calls: { isDone: boolean }[] = [];
      for (const { kind, ...given } of acts) {
        if ('event' in given) {
          const key = keyOf(given.event);
          calls.push(watch(announcer.announce(given.event)));
          if (given.event.kind === 'commit') highest.set(key, Math.max(highest.get(key) ?? 0, given.event.seq));
          else words.set(key, given.event);
        } else if ('at' in given) {
          const call = held[given.at % Math.max(1, held.length)];
          if (kind === 'succeed') call?.succeed();
          else call?.fail();
        } else timers.advance(given.ms);
        assert.ok(held.filter(({ signal }) => signal?.aborted !== true).length <= limits.announcementsSentAtOnceMax);
        await settle();
      }
      while (held.length > 0) {
        held[0]!.succeed();
        await settle();
      }
      for (const [key, seq] of highest) {
        const seqs = tried.get(key) ?? [];
        assert.equal(seqs.at(-1), seq);
        assert.deepEqual(
          seqs,
          seqs.toSorted((a, b) => a - b),
        );
      }
      for (const [key, word] of words) assert.deepEqual(last.get(key), word);
      assert.ok(calls.every(({ isDone }) => isDone));
      assert.equal(timers.pending, 0);
      const outcomes = [...counts].reduce((sum, [, n]) => sum + n, 0);
      assert.equal(outcomes, calls.length, 'each call has one outcome');
    }),
    { numRuns: 150 },
  );
});

test('at most so many wait, one a key; what goes is the oldest word, and a commit only where there is no word', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(event, { maxLength: 60 }), (max, events) => {
      const waiting = new WaitingEvents(max);
      let model: Announcement[] = [];
      for (const given of events) {
        const key = keyOf(given);
        const standing = waiting.get(key);
        assert.equal(
          standing,
          model.find((one) => one.key === key),
        );
        if (standing !== undefined) continue;
        const announcement = { key, event: given, settled: Promise.resolve(), settle: () => undefined };
        model.push(announcement);
        const oldest = model.find((one) => one.event.kind !== 'commit') ?? model[0];
        const dropped = waiting.add(announcement);
        assert.equal(dropped, model.length > max ? oldest : undefined);
        model = model.filter((one) => one !== dropped);
        assert.equal(waiting.size, model.length);
      }
      const isCommit = ({ event: { kind } }: Announcement) => kind === 'commit';
      const order = [...model.filter(isCommit), ...model.filter((one) => !isCommit(one))];
      const busy = order[0]?.key;
      if (order.length > 1)
        assert.equal(
          waiting.take((key) => key !== busy),
          order.splice(1, 1)[0],
        );
      for (const one of order)
        assert.equal(
          waiting.take(() => true),
          one,
        );
      assert.equal(
        waiting.take(() => true),
        undefined,
      );
    }),
  );
});
