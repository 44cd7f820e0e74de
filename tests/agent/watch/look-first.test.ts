/** Changes that turn out to be none, as what a sync itself wrote: the watch looks, and leaves the server alone. In virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SyncReport } from '../../../client/agent/engine/report.ts';
import { pace } from '../../../client/agent/watch/pace.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { WatchedWorld, fine } from './watched-world.ts';

/** A folder at rest on a live channel. */
async function atRest(act: (world: WatchedWorld) => Promise<void>, pollMs?: number): Promise<void> {
  const world = new WatchedWorld(pollMs === undefined ? {} : { pollMs });
  world.hasChannel = true;
  await world.start();
  await world.live(true);
  world.differs = false;
  await act(world);
  await world.stop();
}

async function changes(world: WatchedWorld): Promise<void> {
  await world.changed('a.txt');
  await world.time.advance(pace.quietMs);
}

test('a change alone has the folder looked at first; every other reason asks the server', () =>
  atRest(async (world) => {
    await changes(world);
    await world.committed();
    world.loop.wake();
    await world.time.settle();
    await world.time.advance(pace.scanMs * 1.3);
    const looks = world.begun.map((line, i) => `${line.split(' ')[0]} ${world.lookedFirst[i]}`);
    assert.deepEqual(looks, ['start false', 'changed true', 'news false', 'wake false', 'scan false']);
  }));

test('a look that asked nothing claims nothing: not that the server was heard, nor that a sync found all equal', () =>
  atRest(async (world) => {
    const before = world.loop.view();
    await world.time.advance(60_000);
    await changes(world);
    const after = world.loop.view();
    assert.equal(after.state.name, 'idle');
    assert.equal(after.changed, false);
    for (const key of ['lastHeardMs', 'lastSyncMs', 'lastSyncSeconds'] as const) assert.equal(after[key], before[key]);
    assert.equal(after.counts.syncs, before.counts.syncs);
    world.differs = true;
    await changes(world);
    assert.ok(world.loop.view().lastHeardMs! > before.lastHeardMs!);
    assert.equal(world.loop.view().counts.syncs, before.counts.syncs + 1);
  }));

test('looks put off no question, and changes without end keep none from being asked', () =>
  atRest(async (world) => {
    const asked = (): number => world.polls + world.lookedFirst.filter((looks) => !looks).length;
    const before = asked();
    let end: (report: SyncReport) => void = () => undefined;
    const next = (): void => void world.answers.push(new Promise((resolve) => (end = resolve)));
    next();
    await changes(world);
    for (let i = 0; i < 100; i++) {
      // Each look takes so long that the next is due when it ends.
      for (let j = 0; j < 5; j++) {
        await world.changed('a.txt');
        await world.time.advance(1_000);
      }
      const endThis = end;
      next();
      endThis(fine);
      await world.time.settle();
      assert.equal(world.state, 'syncing');
    }
    end(fine);
    assert.ok(asked() - before >= 500 / 36 - 1, `${asked() - before} times in 500 seconds`);
  }, 30_000));

test('news that is told during a look is fetched after it', () =>
  atRest(async (world) => {
    let end: (report: SyncReport) => void = () => undefined;
    world.answers.push(new Promise((resolve) => (end = resolve)));
    await changes(world);
    await world.committed();
    end(fine);
    await world.time.settle();
    assert.deepEqual(world.lookedFirst, [false, true, false]);
    assert.equal(world.followedSeq, world.headSeq);
    // It was true: the next is believed too.
    await world.committed();
    assert.equal(world.followedSeq, world.headSeq);
  }));

test('what comes up while the turn is waited for is not forgotten', () =>
  atRest(async (world) => {
    world.lookedFirst.length = 0;
    for (const comesUp of ['news', 'wake'] as const) {
      let end: () => void = () => undefined;
      const action = world.turns.take(() => new Promise<void>((resolve) => (end = resolve)));
      await changes(world);
      if (comesUp === 'wake') world.loop.wake();
      else await world.committed();
      end();
      await action;
      await world.time.settle();
      assert.deepEqual(world.lookedFirst.splice(0), [false], comesUp);
    }
    assert.equal(world.followedSeq, world.headSeq);
  }));

test('after a mass deletion the server is asked, whatever the folder shows', () =>
  atRest(async (world) => {
    world.answers.push(new TidemarkError('halted', '30 of 40 files are gone', { data: { side: 'local' } }));
    world.loop.wake();
    await world.time.settle();
    assert.equal(world.state, 'halted');
    await changes(world);
    assert.deepEqual(world.lookedFirst, [false, false, false]);
    assert.equal(world.state, 'idle');
  }));

test('a file that could not be looked at is looked at again', () =>
  atRest(async (world) => {
    const problems = [{ path: 'a', code: 'busy', detail: 'it is being written' }] as const;
    world.answers.push({ ...fine, upToDate: false, problems });
    await changes(world);
    assert.equal(world.begun.length, 2);
    await world.time.advance(3_000);
    assert.match(world.begun.at(-1)!, /^retry/);
  }));
