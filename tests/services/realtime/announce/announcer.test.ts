import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { limits } from '../../../../shared/core/limits.ts';
import {
  type AnnouncerWorld,
  commitOf,
  createAnnouncerWorld,
  describe,
  presenceOf,
  progressOf,
  settle,
  watch,
  workspaceOf,
} from './announcer-world.ts';

const heldOf = ({ held }: AnnouncerWorld) => held.map(({ what }) => what);
const sentOf = ({ notifier }: AnnouncerWorld) => notifier.messages.map(describe);

suite('events', () => {
  test('an event goes to the group of its workspace, and the call resolves when it was sent', async () => {
    const world = createAnnouncerWorld();
    const told = watch(world.announcer.announce(commitOf(1, 7)));
    await settle();
    assert.deepEqual([heldOf(world), told.isDone], [['commit 1: 7'], false]);
    world.held[0]!.succeed();
    await settle();
    assert.deepEqual([sentOf(world), told.isDone], [['commit 1: 7'], true]);
    assert.equal(world.notifier.messages[0]?.group, `ws-${workspaceOf(1)}`);
    assert.deepEqual([...world.counts], [['announcement commit sent', 1]]);
    world.timers.advance(limits.announcePaceMs);
    assert.equal(world.timers.pending, 0);
  });

  test('a call waits for a slow service as long as it may, and the event is sent all the same', async () => {
    const world = createAnnouncerWorld();
    const told = watch(world.announcer.announce(commitOf(1, 7)));
    world.timers.advance(limits.announceWaitMs - 1);
    await settle();
    assert.equal(told.isDone, false);
    world.timers.advance(1);
    await settle();
    assert.equal(told.isDone, true);
    world.held[0]!.succeed();
    await settle();
    assert.deepEqual(sentOf(world), ['commit 1: 7']);
    world.timers.advance(limits.announcePaceMs);
    assert.equal(world.timers.pending, 0);
  });

  test('of a burst the first goes out at once and the last when it may; only the call of the first waits', async () => {
    const world = createAnnouncerWorld();
    const told = Array.from({ length: 50 }, (_, n) => watch(world.announcer.announce(commitOf(1, n + 1))));
    await settle();
    assert.deepEqual([heldOf(world), told.findLastIndex(({ isDone }) => !isDone)], [['commit 1: 1'], 0]);
    world.held[0]!.succeed();
    await settle();
    assert.ok(told.every(({ isDone }) => isDone));
    world.timers.advance(limits.announcePaceMs - 1);
    assert.deepEqual(heldOf(world), []);
    world.timers.advance(1);
    assert.deepEqual(heldOf(world), ['commit 1: 50']);
    world.held[0]!.succeed();
    await settle();
    assert.deepEqual(sentOf(world), ['commit 1: 1', 'commit 1: 50']);
    assert.deepEqual(Object.fromEntries(world.counts), {
      'announcement commit sent': 2,
      'announcement commit coalesced': 48,
    });
  });

  test('the pace is counted from where the one before began, and no two go out at once under a key', async () => {
    const world = createAnnouncerWorld();
    void world.announcer.announce(commitOf(1, 1));
    void world.announcer.announce(commitOf(1, 2));
    world.timers.advance(3 * limits.announcePaceMs);
    assert.deepEqual(heldOf(world), ['commit 1: 1']);
    world.held[0]!.succeed();
    await settle();
    assert.deepEqual(heldOf(world), ['commit 1: 2'], 'the service took longer than the pace');
    world.held[0]!.succeed();
    await settle();
    world.timers.advance(limits.announcePaceMs);
    void world.announcer.announce(commitOf(1, 3));
    assert.deepEqual(heldOf(world), ['commit 1: 3'], 'after a pause the first goes out at once again');
    void world.announcer.announce(commitOf(2, 1));
    assert.equal(heldOf(world).length, 2, 'workspaces do not wait for one another');
  });

  test('what waits for the pace goes out though the one before failed', async () => {
    const world = createAnnouncerWorld();
    void world.announcer.announce(presenceOf(1, 1, 'syncing'));
    void world.announcer.announce(presenceOf(1, 1, 'idle'));
    world.held[0]!.fail();
    await settle();
    assert.deepEqual(heldOf(world), []);
    world.timers.advance(limits.announcePaceMs);
    assert.deepEqual(heldOf(world), ['presence 1/1: idle']);
  });

  test('an older commit never goes out after a newer one: before it was sent, while, and after', async () => {
    const world = createAnnouncerWorld();
    const first = watch(world.announcer.announce(commitOf(1, 5)));
    const late = watch(world.announcer.announce(commitOf(1, 4)));
    await settle();
    assert.deepEqual([heldOf(world), late.isDone], [['commit 1: 5'], false]);
    world.held[0]!.succeed();
    await settle();
    assert.ok(first.isDone && late.isDone);
    await world.announcer.announce(commitOf(1, 3));
    assert.deepEqual([sentOf(world), heldOf(world)], [['commit 1: 5'], []]);
    await Promise.all([world.announcer.expelAll(workspaceOf(1)), settle().then(() => world.held[0]!.succeed())]);
    world.timers.advance(limits.announcePaceMs);
    void world.announcer.announce(commitOf(1, 1));
    assert.deepEqual(heldOf(world), ['commit 1: 1'], 'another workspace under the id of one that is gone begins anew');
  });

  test('a commit that comes late gives its chance to a newer one that was lost', async () => {
    const world = createAnnouncerWorld();
    void world.announcer.announce(commitOf(1, 5));
    world.held[0]!.fail();
    await settle();
    void world.announcer.announce(commitOf(1, 4));
    world.timers.advance(limits.announcePaceMs);
    assert.deepEqual(heldOf(world), ['commit 1: 5']);
  });

  test('the last word counts on each device and each session, and they do not wait for one another', async () => {
    const world = createAnnouncerWorld();
    for (const percent of [10, 20, 15]) void world.announcer.announce(progressOf(1, 1, percent));
    for (const state of ['syncing', 'idle', 'offline'] as const) void world.announcer.announce(presenceOf(1, 1, state));
    void world.announcer.announce(progressOf(1, 2, 99));
    void world.announcer.announce(presenceOf(2, 1, 'idle'));
    void world.announcer.announce(commitOf(1, 1));
    const first = [
      'progress 1/1: 10',
      'presence 1/1: syncing',
      'progress 1/2: 99',
      'presence 2/1: idle',
      'commit 1: 1',
    ];
    assert.deepEqual(heldOf(world), first);
    for (const call of world.held.slice()) call.succeed();
    await settle();
    world.timers.advance(limits.announcePaceMs);
    assert.deepEqual(heldOf(world), ['progress 1/1: 15', 'presence 1/1: offline']);
  });
});

suite('bounds', () => {
  test('so many are sent at once, the others in their order, commits first', async () => {
    const world = createAnnouncerWorld();
    const at = limits.announcementsSentAtOnceMax;
    for (let n = 0; n < at; n++) void world.announcer.announce(commitOf(n, 1));
    void world.announcer.announce(presenceOf(1, 1, 'idle'));
    for (const n of [at, at + 1]) void world.announcer.announce(commitOf(n, 1));
    assert.equal(world.held.length, at);
    for (const what of [`commit ${at}: 1`, `commit ${at + 1}: 1`, 'presence 1/1: idle']) {
      world.held[0]!.succeed();
      await settle();
      assert.deepEqual([world.held.length, heldOf(world).at(-1)], [at, what]);
    }
  });

  test('when too many wait the oldest go: words on devices and sessions before commits; one line in the log', async () => {
    const world = createAnnouncerWorld();
    const { announcer, counts } = world;
    const [at, pending] = [limits.announcementsSentAtOnceMax, limits.announcementsPendingMax];
    for (let n = 0; n < at; n++) void announcer.announce(commitOf(n, 1));
    const others = [1, 2].map((device) => watch(announcer.announce(presenceOf(1, device, 'idle'))));
    const commits = Array.from({ length: pending }, (_, n) => watch(announcer.announce(commitOf(at + n, 1))));
    await settle();
    assert.ok(others.every(({ isDone }) => isDone));
    assert.equal(counts.get('announcement presence dropped'), 2);
    assert.equal(counts.get('announcement commit dropped'), undefined);
    const word = watch(announcer.announce(presenceOf(1, 3, 'idle')));
    void announcer.announce(commitOf(at, 2));
    void announcer.announce(commitOf(at + pending, 1));
    await settle();
    assert.deepEqual([word.isDone, commits.findIndex(({ isDone }) => !isDone)], [true, 1], 'the oldest commit went');
    assert.equal(counts.get('announcement commit dropped'), 1);
    assert.deepEqual(
      world.logged.map(({ level }) => level),
      ['warn'],
    );
  });

  test('a service that hangs keeps no place for ever: what it holds is aborted, and the next goes out', async () => {
    const world = createAnnouncerWorld();
    for (let n = 0; n <= limits.announcementsSentAtOnceMax; n++) void world.announcer.announce(commitOf(n, 1));
    const hung = [...world.held];
    assert.ok(hung.every(({ signal }) => signal?.aborted === false));
    world.timers.advance(10_000);
    await settle();
    assert.ok(hung.every(({ signal }) => signal?.aborted === true));
    assert.equal(heldOf(world).at(-1), `commit ${limits.announcementsSentAtOnceMax}: 1`);
    assert.equal(world.counts.get('announcement commit failed'), limits.announcementsSentAtOnceMax);
  });
});

suite('a service that is down', () => {
  test('is told in the log once, and once when it is back', async () => {
    const world = createAnnouncerWorld();
    const { announcer, held, logged } = world;
    for (let round = 0; round < 2; round++) {
      for (let n = 1; n <= 5; n++) {
        const told = watch(announcer.announce(commitOf(n, round * 10 + n)));
        held[0]!.fail();
        await settle();
        assert.ok(told.isDone);
      }
      void announcer.announce(commitOf(9, round + 1));
      held[0]!.succeed();
      await settle();
      world.timers.advance(limits.announcePaceMs);
    }
    assert.deepEqual(
      logged.map(({ level, fields }) => [level, fields]),
      [1, 2].flatMap(() => [
        ['warn', { code: 'unavailable' }],
        ['info', { failed: 5 }],
      ]),
    );
    assert.equal(world.timers.pending, 0);
  });
});
