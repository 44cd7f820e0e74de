/** Connections that are ended through the announcer. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { limits } from '../../../../shared/core/limits.ts';
import { ann, bob } from '../../../contracts/metadata-records.ts';
import { type AnnouncerWorld, createAnnouncerWorld, settle, watch, workspaceOf } from './announcer-world.ts';

const heldOf = ({ held }: AnnouncerWorld) => held.map(({ what }) => what);

suite('expulsions', () => {
  test('end the connections of a user, of a workspace, and a single one', async () => {
    const world = createAnnouncerWorld();
    const told = [
      world.announcer.expelUser(ann),
      world.announcer.expelAll(workspaceOf(1)),
      world.announcer.expelConnection('c 1'),
    ].map(watch);
    assert.deepEqual(heldOf(world), [`user ${ann}`, `group ws-${workspaceOf(1)}`, 'connection c 1']);
    for (const call of world.held.slice()) call.succeed();
    await settle();
    assert.ok(told.every(({ isDone }) => isDone));
    assert.equal(world.notifier.closed.length, 3);
    assert.equal(world.timers.pending, 0);
  });

  test('are tried again with growing waits, while the caller waits no longer than it may', async () => {
    const world = createAnnouncerWorld();
    const told = watch(world.announcer.expelUser(ann));
    world.held[0]!.fail();
    await settle();
    assert.equal(told.isDone, false);
    world.timers.advance(limits.announceWaitMs);
    await settle();
    assert.equal(told.isDone, true);
    const waits: number[] = [];
    let waitedMs: number = limits.announceWaitMs;
    while (world.timers.pending > 0) {
      world.timers.advance(50);
      waitedMs += 50;
      if (world.held.length === 0) continue;
      waits.push(waitedMs);
      waitedMs = 0;
      if (waits.length < 3) world.held[0]!.fail();
      else world.held[0]!.succeed();
      await settle();
    }
    assert.deepEqual(waits, [1_000, 5_000, 30_000]);
    assert.deepEqual(world.logged, []);
    assert.equal(world.notifier.closed.length, 1);
  });

  test('one that fails to the end is told in the log, without the user', async () => {
    const world = createAnnouncerWorld();
    void world.announcer.expelUser(ann);
    let tries = 0;
    while (world.timers.pending > 0 || world.held.length > 0) {
      for (const call of world.held.slice()) {
        tries += 1;
        call.fail();
      }
      await settle();
      world.timers.advance(500_000);
    }
    assert.equal(tries, 5);
    assert.deepEqual(
      world.logged.map(({ level, fields }) => [level, fields]),
      [['warn', { kind: 'user', code: 'unavailable', tries: 5 }]],
    );
  });

  test('one that is asked for while it is under way is done once more; while it rests, at once', async () => {
    const world = createAnnouncerWorld();
    const both = [watch(world.announcer.expelUser(ann)), watch(world.announcer.expelUser(ann))];
    assert.deepEqual(heldOf(world), [`user ${ann}`]);
    world.held[0]!.succeed();
    await settle();
    assert.deepEqual([heldOf(world), both.some(({ isDone }) => isDone)], [[`user ${ann}`], false]);
    world.held[0]!.fail();
    await settle();
    assert.deepEqual(heldOf(world), []);
    const again = watch(world.announcer.expelUser(ann));
    assert.deepEqual(heldOf(world), [`user ${ann}`]);
    world.held[0]!.succeed();
    await settle();
    assert.ok([...both, again].every(({ isDone }) => isDone));
    assert.equal(world.timers.pending, 0);
  });

  test('are bounded: few at once, and when too many are pending the newest are kept', async () => {
    const world = createAnnouncerWorld();
    void world.announcer.expelUser(bob);
    world.held[0]!.fail();
    await settle();
    for (let n = 0; n < 1_000; n++) void world.announcer.expelConnection(`c ${n}`);
    assert.equal(world.held.length, 8);
    assert.deepEqual(
      world.logged.map(({ fields }) => fields['kind']),
      ['user'],
    );
    const tried = new Set<string>();
    while (world.held.length > 0) {
      for (const call of world.held.slice()) {
        tried.add(call.what);
        call.succeed();
      }
      await settle();
    }
    assert.deepEqual([tried.size, tried.has(`user ${bob}`)], [1_000, false]);
    world.timers.advance(500_000);
    assert.deepEqual([world.held.length, world.timers.pending], [0, 0]);
  });
});
