/** When a watched folder is synced, and what becomes of failures, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SyncReport } from '../../../client/agent/engine/report.ts';
import { aboutMs, backoffMs, pace } from '../../../client/agent/watch/pace.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { WatchedWorld, fine } from './watched-world.ts';

async function watched(act: (world: WatchedWorld) => Promise<void>, prepare?: (world: WatchedWorld) => void) {
  const world = new WatchedWorld();
  prepare?.(world);
  await world.start();
  await act(world);
  await world.stop();
  assert.equal(world.state, 'stopped');
  assert.equal(world.opened, world.closed);
}

const unavailable = (data = {}) => new TidemarkError('unavailable', 'the server cannot be reached', { data });

test('it syncs at the start, asks the server now and then, and looks at everything every ten minutes', () =>
  watched(async (world) => {
    assert.deepEqual(world.begun, ['start 0']);
    await world.time.advance(90_000);
    assert.equal(world.polls, 3);
    assert.deepEqual(world.begun, ['start 0']);
    await world.time.advance(520_000);
    assert.deepEqual(world.begun, ['start 0', 'scan 600']);
    assert.equal(world.refreshed, 1);
  }));

test('news at the server is fetched', () =>
  watched(async (world) => {
    world.news = true;
    await world.time.advance(31_000);
    assert.deepEqual(world.begun, ['start 0', 'news 30']);
  }));

test('a save is looked at once, when the folder is quiet; constant change is looked at all the same', () =>
  watched(async (world) => {
    for (let i = 0; i < 5; i++) {
      await world.changed();
      await world.time.advance(100);
    }
    assert.equal(world.begun.length, 1);
    await world.time.advance(200);
    assert.equal(world.begun.length, 2);
    for (let i = 0; i < 50; i++) {
      await world.changed();
      await world.time.advance(100);
    }
    const busy = world.begun.length - 2;
    assert.ok(busy >= 2 && busy <= 3, `${busy} syncs in five seconds of constant change`);
  }));

test('a change during a sync is looked at after it', () =>
  watched(async (world) => {
    let end: (report: SyncReport) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (end = resolve)));
    world.loop.wake();
    await world.time.settle();
    assert.equal(world.state, 'syncing');
    await world.changed();
    await world.time.advance(5_000);
    assert.equal(world.begun.length, 2);
    end(fine);
    await world.time.advance(1_000);
    assert.deepEqual(world.begun.slice(2), ['changed 5']);
  }));

test('a server that is away: later and later, changes do not hurry it, and it goes on when the server is back', () =>
  watched(async (world) => {
    for (let i = 0; i < 6; i++) world.answers.push(unavailable());
    await world.changed();
    await world.time.advance(1_000);
    assert.equal(world.state, 'waiting');
    const before = world.begun.length;
    for (let i = 0; i < 10; i++) await world.changed();
    await world.time.advance(200);
    assert.equal(world.begun.length, before);
    await world.time.advance(600_000);
    assert.equal(world.state, 'idle');
    const tries = world.begun.filter((line) => line.startsWith('retry')).map((line) => Number(line.split(' ')[1]));
    const gaps = tries.map((at, i) => at - (tries[i - 1] ?? 0));
    assert.ok(gaps.length >= 5 && gaps.at(-1)! > gaps[1]!, gaps.join());
    assert.equal(world.loop.view().counts.failures['unavailable'], 6);
  }));

test('L23: the time that a server asked for is waited for', () =>
  watched(async (world) => {
    world.answers.push(unavailable({ retryAfterMs: 120_000 }));
    await world.changed();
    await world.time.advance(119_000);
    assert.equal(world.state, 'waiting');
    await world.time.advance(4_000);
    assert.equal(world.state, 'idle');
  }));

test('a poll that fails makes the watch wait as a sync does', () =>
  watched(async (world) => {
    world.pollError = unavailable();
    await world.time.advance(31_000);
    assert.equal(world.state, 'waiting');
    world.pollError = undefined;
    await world.time.advance(10_000);
    assert.equal(world.state, 'idle');
  }));

test('a mass deletion waits for a person: nothing but the folder itself, or a wake, has it looked at again', () =>
  watched(
    async (world) => {
      assert.equal(world.state, 'halted');
      world.news = true;
      world.time.sleep(3_600_000);
      await world.time.advance(3_600_000);
      assert.deepEqual(world.begun, ['start 0']);
      await world.changed();
      await world.time.advance(1_000);
      assert.equal(world.state, 'idle');
    },
    (world) => world.answers.push(new TidemarkError('halted', '30 of 40 files are gone', { data: { side: 'local' } })),
  ));

test('a folder that went away is closed, looked for each minute, and synced when it is back', () =>
  watched(async (world) => {
    world.answers.push(new TidemarkError('halted', 'is its disk mounted?'));
    world.openError = new TidemarkError('halted', 'is its disk mounted?');
    await world.changed();
    await world.time.advance(10_000);
    assert.equal(world.state, 'absent');
    assert.equal(world.closed, 1);
    await world.time.advance(300_000);
    assert.equal(world.state, 'absent');
    const told = world.events.filter(({ type }) => type === 'failed').length;
    assert.ok(told <= 2, `told ${told} times`);
    world.openError = undefined;
    await world.time.advance(80_000);
    assert.equal(world.state, 'idle');
    assert.equal(world.opened, 2);
    assert.match(world.begun.at(-1)!, /^start /);
  }));

test('a folder that opens but cannot be synced is not tried in a hurry', () =>
  watched(async (world) => {
    for (let i = 0; i < 50; i++) world.answers.push(new TidemarkError('halted', 'linked by another device'));
    await world.changed();
    await world.time.advance(600_000);
    assert.ok(world.opened < 15, `${world.opened} times in ten minutes`);
  }));

test('a revoked device says so and does nothing more', () =>
  watched(
    async (world) => {
      assert.equal(world.state, 'revoked');
      await world.changed();
      world.loop.wake();
      await world.time.advance(3_600_000);
      assert.deepEqual([world.begun.length, world.polls, world.closed], [1, 0, 0]);
    },
    (world) => world.answers.push(new TidemarkError('revoked', 'this device was revoked')),
  ));

test('a full disk: looked at each minute, changes go on meanwhile', () =>
  watched(
    async (world) => {
      await world.changed();
      await world.time.advance(1_000);
      assert.deepEqual(world.begun, ['start 0', 'changed 0']);
      await world.time.advance(75_000);
      assert.match(world.begun[2]!, /^retry/);
    },
    (world) => {
      const full = { ...fine, upToDate: false, problems: [{ path: 'a', code: 'full' as const, detail: 'no room' }] };
      world.answers.push(full, full);
    },
  ));

test('an error that nobody foresaw ends nothing', () =>
  watched(async (world) => {
    world.answers.push(
      Object.assign(new Error('too many open files'), { code: 'EMFILE' }),
      Object.assign(new Error('database or disk is full'), { errcode: 13 }),
      new TypeError('x is not a function'),
    );
    await world.changed();
    await world.time.advance(300_000);
    assert.equal(world.state, 'idle');
    assert.deepEqual(world.loop.view().counts.failures, { internal: 2, full: 1 });
  }));

test('a pause breaks a sync off, lasts as long as it was asked for, and ends with a sync', () =>
  watched(async (world) => {
    world.answers.push(new Promise(() => undefined));
    world.loop.wake();
    await world.time.settle();
    assert.equal(world.state, 'syncing');
    world.pause = { untilMs: world.time.wall() + 3_600_000 };
    world.loop.pauseChanged();
    await world.time.settle();
    assert.equal(world.state, 'paused');
    const before = world.begun.length;
    await world.changed();
    await world.time.advance(3_599_000);
    assert.deepEqual([world.begun.length, world.polls], [before, 0]);
    await world.time.advance(2_000);
    assert.equal(world.state, 'idle');
    assert.equal(world.begun.length, before + 1);
  }));

test('a pause without an end lasts until it is taken back, and a sleep of the machine counts as time', () =>
  watched(
    async (world) => {
      assert.equal(world.state, 'paused');
      world.time.sleep(86_400_000);
      await world.time.advance(3_600_000);
      assert.deepEqual(world.begun, []);
      world.pause = { untilMs: world.time.wall() + 3_600_000 };
      world.loop.pauseChanged();
      await world.time.settle();
      world.time.sleep(3_600_000);
      await world.time.advance(pace.heartbeatMs);
      assert.equal(world.begun.length, 1);
    },
    (world) => (world.pause = { untilMs: null }),
  ));

test('a laptop that wakes up syncs at once, also out of a wait', () =>
  watched(async (world) => {
    world.answers.push(unavailable({ retryAfterMs: 3_000_000 }));
    await world.changed();
    await world.time.advance(1_000);
    assert.equal(world.state, 'waiting');
    world.time.sleep(8 * 3_600_000);
    await world.time.advance(pace.heartbeatMs);
    assert.match(world.begun.at(-1)!, /^resumed/);
    assert.equal(world.state, 'idle');
  }));

test('where the system tells of nothing, the folder is looked at every half minute, and the watcher is tried again', () =>
  watched(
    async (world) => {
      assert.equal(world.loop.view().watcher.mode, 'polling');
      assert.match(world.loop.view().watcher.reason!, /max_user_watches/);
      await world.time.advance(61_000);
      assert.equal(world.begun.filter((line) => line.startsWith('scan')).length, 2);
      world.watcherLost = undefined;
      await world.time.advance(620_000);
      assert.equal(world.loop.view().watcher.mode, 'events');
      assert.equal(world.watchers, 2);
    },
    (world) => (world.watcherLost = 'raise fs.inotify.max_user_watches'),
  ));

test('a storm of changes has the watcher look for what the system dropped', () =>
  watched(async (world) => {
    for (let i = 0; i < 1_000; i++) world.listener?.changed();
    await world.time.advance(3_000);
    assert.equal(world.refreshed, 1);
  }));

test('a sync waits for the turn of an action, and an action for the turn of a sync', () =>
  watched(async (world) => {
    let end: () => void = () => undefined;
    const action = world.turns.take(() => new Promise<void>((resolve) => (end = resolve)));
    await world.changed();
    await world.time.advance(10_000);
    assert.equal(world.begun.length, 1);
    assert.equal((await world.loop.status()).upToDate, false);
    end();
    await action;
    await world.time.settle();
    assert.equal(world.begun.length, 2);
    assert.equal((await world.loop.status()).upToDate, true);
  }));

test('whatever fails in whatever order, when failures stop the folder is synced', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc
            .constantFrom('unavailable', 'busy', 'internal', 'unauthenticated', 'not-found', 'corrupt', 'rate-limited')
            .map((code) => new TidemarkError(code as 'busy', code)),
          fc.constant(new TidemarkError('halted', 'gone')),
          fc.constant(new Error('surprise')),
        ),
        { maxLength: 12 },
      ),
      async (errors) => {
        const world = new WatchedWorld();
        world.answers.push(...errors);
        await world.start();
        await world.time.advance(12 * 400_000);
        assert.equal(world.state, 'idle');
        assert.equal(world.answers.length, 0);
        await world.stop();
      },
    ),
    { numRuns: 20 },
  ));

test('L23: waits that many agents share differ by chance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.nat(100_000),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (n, asked, r) => {
        const wait = backoffMs(n, asked, r);
        assert.ok(wait > asked && wait <= asked + 500 + pace.backoffMaxMs);
        assert.ok(backoffMs(n, asked, 0.9) - backoffMs(n, asked, 0.1) >= 0.7 * pace.backoffBaseMs);
      },
    ),
  );
  assert.deepEqual([aboutMs(100, 0), aboutMs(100, 0.5)], [80, 100]);
});

test('a thousand agents that lost the same server come back one after the other', () => {
  const outageMs = 600_000;
  let state = 12_345;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const perSecond = new Map<number, number>();
  for (let agent = 0; agent < 1_000; agent++) {
    let at = random() * pace.pollMs;
    for (let failures = 1; at < outageMs; failures++) at += backoffMs(failures, 0, random());
    const second = Math.floor(at / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  const most = Math.max(...perSecond.values());
  assert.ok(most <= 20, `${most} in one second`);
});
