/** What a watch makes of the realtime channel: when it looks, when it asks, what it tells of itself. In virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SyncReport } from '../../../client/agent/engine/report.ts';
import { pace } from '../../../client/agent/watch/pace.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { parseWorkspaceId } from '../../../shared/core/ids.ts';
import { WatchedWorld, fine, thisDevice } from './watched-world.ts';

interface Options {
  readonly pollMs?: number;
  readonly prepare?: (world: WatchedWorld) => void;
}

/** A folder that is at rest, with its seat taken and events arriving. */
async function onChannel(act: (world: WatchedWorld) => Promise<void>, { prepare, ...needs }: Options = {}) {
  const world = new WatchedWorld(needs);
  world.hasChannel = true;
  prepare?.(world);
  await world.start();
  await world.live(true);
  await act(world);
  await world.stop();
  assert.equal(world.listening, undefined);
}

const isLeft = ({ seatTold }: WatchedWorld): boolean => seatTold.at(-1) === 'leave';

test('when events begin to arrive it is asked once what came before them, and then seldom', () =>
  onChannel(async (world) => {
    assert.equal(world.loop.view().realtime, 'live');
    assert.equal(world.polls, 1);
    await world.time.advance(pace.livePollMs - 1_000);
    assert.equal(world.polls, 1);
    world.time.chance = 1;
    await world.time.advance(3 * pace.livePollMs);
    assert.ok(world.polls <= 4, `${world.polls} polls in half an hour`);
  }));

test('an interval that was asked for holds while events arrive, too', () =>
  onChannel(
    async (world) => {
      await world.time.advance(60_000);
      assert.equal(world.polls, 1 + 60);
    },
    { pollMs: 1_000 },
  ));

test('without a channel it is off, and asks as ever', async () => {
  const world = new WatchedWorld();
  await world.start();
  assert.equal(world.loop.view().realtime, 'off');
  await world.time.advance(95_000);
  assert.equal(world.polls, 3);
  await world.stop();
});

test('a commit elsewhere is fetched at once, by one sync and no other question', () =>
  onChannel(async (world) => {
    await world.committed();
    assert.deepEqual(world.begun, ['start 0', 'news 0']);
    assert.equal(world.polls, 1);
    await world.time.advance(10_000);
    assert.equal(world.begun.length, 2);
    assert.equal(world.loop.view().counts.heard, 1);
  }));

test('it does not wait for changes of the folder to pause', () =>
  onChannel(async (world) => {
    await world.changed();
    await world.committed();
    assert.deepEqual(world.begun, ['start 0', 'news 0']);
    await world.time.advance(10_000);
    // The sync looked at the folder too.
    assert.equal(world.begun.length, 2);
  }));

test('own commits, old ones, and what is said of people are no reason to look', () =>
  onChannel(async (world) => {
    await world.heard(9, thisDevice);
    await world.heard(1);
    await world.heard(0);
    const base = { workspaceId: '7'.repeat(32), deviceId: 'b'.repeat(32) } as never;
    world.listening?.heard({ kind: 'presence', ...(base as object), userId: 'x', state: 'idle' } as never);
    await world.time.advance(60_000);
    assert.deepEqual(world.begun, ['start 0']);
    assert.equal(world.polls, 1);
  }));

test('what is told during a sync is looked at after it, unless the sync found it', () =>
  onChannel(async (world) => {
    let end: (report: SyncReport) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (end = resolve)));
    world.headSeq = 5;
    world.loop.wake();
    await world.time.settle();
    await world.heard(5);
    await world.heard(4);
    end(fine);
    await world.time.advance(1_000);
    assert.deepEqual(world.begun, ['start 0', 'wake 0']);
    world.answers.push(new Promise((resolve) => (end = resolve)));
    world.loop.wake();
    await world.time.settle();
    await world.committed();
    end(fine);
    await world.time.advance(1_000);
    assert.deepEqual(world.begun.slice(2), ['wake 1', 'news 1']);
  }));

test('a lie costs one look; then nothing is believed until the next question, which comes later and later', () =>
  onChannel(async (world) => {
    await world.heard(2 ** 40);
    assert.deepEqual(world.begun.slice(1), ['news 0']);
    const before = world.polls;
    for (let i = 1; i <= 100; i++) await world.heard(2 ** 40 + i);
    assert.equal(world.begun.length, 2);
    await world.time.advance(pace.doubtMs);
    assert.equal(world.polls, before + 1);
    // Without end, each higher than the last.
    for (let i = 101; i < 1_301; i++) {
      await world.heard(2 ** 40 + i);
      await world.time.advance(500);
    }
    assert.ok(world.begun.length <= 2 + 25, `${world.begun.length} syncs in ten minutes`);
    assert.ok(world.polls <= before + 26, `${world.polls} polls in ten minutes`);
  }));

test('an event that came ahead of the store is made good soon', () =>
  onChannel(async (world) => {
    await world.heard(2);
    assert.equal(world.begun.length, 2);
    world.headSeq = 2;
    await world.time.advance(pace.doubtMs * 1.2);
    assert.deepEqual(world.begun.slice(2), ['news 2']);
    await world.committed();
    assert.deepEqual(world.begun.slice(3), ['news 2']);
  }));

test('a commit that lands while the question is being answered is fetched after the answer, not at the next poll', () =>
  onChannel(async (world) => {
    await world.heard(9);
    let answer: () => void = () => undefined;
    world.answering = new Promise((resolve) => (answer = resolve));
    await world.time.advance(pace.doubtMs * 1.2);
    // The server has answered; the answer is on its way.
    await world.committed();
    assert.equal(world.begun.length, 2);
    answer();
    await world.time.settle();
    assert.deepEqual(world.begun.slice(2), ['news 2']);
    assert.equal(world.followedSeq, world.headSeq);
  }));

test('a question that fails ends no doubt, and what was told meanwhile is found by the next', () =>
  onChannel(async (world) => {
    await world.heard(9);
    let fail: (error: Error) => void = () => undefined;
    world.answering = new Promise((_resolve, reject) => (fail = reject));
    await world.time.advance(pace.doubtMs * 1.2);
    await world.committed();
    fail(new TidemarkError('unavailable', 'away'));
    await world.time.settle();
    assert.equal(world.state, 'waiting');
    await world.heard(2 ** 40);
    await world.time.advance(10_000);
    assert.equal(world.followedSeq, world.headSeq);
    assert.deepEqual(
      world.begun.slice(2).map((line) => line.split(' ')[0]),
      ['retry'],
    );
    await world.committed();
    assert.match(world.begun[3]!, /^news/);
  }));

test('events of other workspaces are nothing to it', () =>
  onChannel(async (world) => {
    await world.heard(9, undefined, parseWorkspaceId('8'.repeat(32)));
    assert.deepEqual(world.begun, ['start 0']);
    assert.equal(world.loop.view().counts.heard, 0);
  }));

test('whatever is told in whatever order, the folder follows, and looks in vain are few', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(fc.constant('commit'), fc.constant('silent'), fc.nat(50), fc.constant('lost'), fc.constant('live')),
        {
          maxLength: 30,
        },
      ),
      (steps) =>
        onChannel(async (world) => {
          let commits = 0;
          for (const step of steps) {
            if (step === 'commit') commits += Number((await world.committed(), true));
            else if (step === 'silent') commits += Number((world.headSeq++, true));
            else if (step === 'lost') await world.live(false);
            else if (step === 'live') await world.live(true);
            else await world.heard(step);
            await world.time.advance(100);
          }
          await world.live(true);
          await world.time.advance(pace.pollMs * 1.2);
          assert.equal(world.followedSeq, world.headSeq);
          const looks = world.begun.length - 1;
          assert.ok(looks <= commits + 3, `${looks} looks for ${commits} commits`);
        }),
    ),
    { numRuns: 40 },
  ));

test('when the channel falls silent it is asked again, each agent at a time of its own', () =>
  onChannel(async (world) => {
    await world.time.advance(1_000);
    world.time.chance = 0.9;
    await world.live(false);
    assert.equal(world.loop.view().realtime, 'polling');
    const before = world.polls;
    await world.time.advance(0.89 * pace.pollMs);
    assert.equal(world.polls, before);
    await world.time.advance(0.02 * pace.pollMs);
    assert.equal(world.polls, before + 1);
    world.time.chance = 0.5;
    await world.time.advance(3 * pace.pollMs + 5_000);
    assert.equal(world.polls, before + 4);
    await world.live(true);
    assert.equal(world.polls, before + 5);
  }));

test('a thousand agents that lost the same service do not come together', async () => {
  let state = 54_321;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const perSecond = new Map<number, number>();
  for (let agent = 0; agent < 200; agent++) {
    await onChannel(async (world) => {
      world.time.chance = random();
      await world.live(false);
      const before = world.polls;
      while (world.polls === before) await world.time.advance(1_000);
      const second = Math.floor(world.time.now() / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    });
  }
  const most = Math.max(...perSecond.values());
  assert.ok(most <= 20, `${most} of 200 in one second`);
});

test('events that begin while a sync runs: what the sync may have missed is asked for after it', () =>
  onChannel(async (world) => {
    await world.live(false);
    let end: (report: SyncReport) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (end = resolve)));
    world.loop.wake();
    await world.time.settle();
    const before = world.polls;
    await world.live(true);
    end(fine);
    await world.time.settle();
    assert.equal(world.polls, before + 1);
  }));

test('presence: syncing while something is moved, idle after it, nothing for a look in vain', () =>
  onChannel(async (world) => {
    const told = () => world.seatTold.splice(0);
    assert.deepEqual(told(), ['join', 'idle']);
    let end: (report: SyncReport) => void = () => undefined;
    for (const isFruitful of [false, true]) {
      world.answers.push(new Promise((resolve) => (end = resolve)));
      world.loop.wake();
      await world.time.settle();
      world.progressed({ phase: 'scanning', done: 3, total: 3 });
      world.progressed({ phase: 'replaying', done: 0, total: isFruitful ? 1 : 0 });
      world.progressed({ phase: isFruitful ? 'committing' : 'negotiating', done: 1, total: 1 });
      world.uploaded(40);
      end(fine);
      await world.time.settle();
      assert.deepEqual(told(), isFruitful ? ['syncing', '40 %', 'idle'] : ['40 %']);
    }
    // A command at work in the folder is not the loop's to report.
    world.progressed({ phase: 'uploading', done: 1, total: 1 });
    assert.deepEqual(told(), []);
  }));

test('a sync that fails is told of as idle', () =>
  onChannel(async (world) => {
    let fail: (error: Error) => void = () => undefined;
    world.answers.push(new Promise((_resolve, reject) => (fail = reject)));
    world.loop.wake();
    await world.time.settle();
    world.progressed({ phase: 'uploading', done: 0, total: 1 });
    fail(new TidemarkError('unavailable', 'away'));
    await world.time.settle();
    assert.deepEqual(world.seatTold.slice(-2), ['syncing', 'idle']);
    assert.equal(world.state, 'waiting');
    // The failure's wait holds news up, too.
    const before = world.begun.length;
    await world.committed();
    assert.equal(world.begun.length, before);
    await world.time.advance(10_000);
    assert.equal(world.begun.length, before + 1);
  }));

test('a paused folder leaves its seat, and takes it again', () =>
  onChannel(async (world) => {
    world.pause = { untilMs: null };
    world.loop.pauseChanged();
    await world.time.settle();
    assert.ok(isLeft(world));
    assert.equal(world.loop.view().realtime, 'polling');
    world.pause = undefined;
    world.loop.pauseChanged();
    await world.time.settle();
    assert.deepEqual(world.seatTold.slice(-2), ['join', 'idle']);
    await world.live(true);
    assert.equal(world.loop.view().realtime, 'live');
  }));

for (const [code, data] of [
  ['revoked', {}],
  ['halted', { side: 'local' }],
  ['halted', {}],
] as const) {
  test(`a folder that is ${code} (${Object.keys(data).join() || 'as a whole'}) has no seat, and hears nothing`, () =>
    onChannel(async (world) => {
      world.answers.push(new TidemarkError(code, code, { data }));
      world.openError = new TidemarkError('halted', 'is its disk mounted?');
      world.loop.wake();
      await world.time.settle();
      assert.ok(isLeft(world), world.seatTold.join());
      const before = world.begun.length;
      await world.committed();
      await world.time.advance(120_000);
      assert.equal(world.begun.length, before);
    }));
}
