import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  createFileTimerStatus,
  createMemoryTimerStatus,
  type TimerStatusStore,
} from '../../../local/host/timer-status.ts';
import { parseHostJson } from '../../../local/host/host-json.ts';
import { createTimerTrigger } from '../../../local/host/timer-trigger.ts';
import type { HostContext, TriggeredFunction } from '../../../local/host/trigger.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createRecordingLogger } from './recording-logger.ts';
import { startFixture } from './started-host.ts';

const noon = Date.UTC(2026, 0, 5, 12, 0, 30);
const minute = 60_000;

interface Run {
  readonly at: number;
  readonly isPastDue: boolean;
}

interface Rig {
  readonly clock: FakeClock;
  readonly runs: Run[];
  readonly start: () => Promise<void>;
  readonly stop: () => void;
  /** What the next runs wait for. */
  hold: Promise<void>;
  concurrent: number;
  concurrentMax: number;
}

function createRig(
  binding: Record<string, unknown>,
  options: { clock?: FakeClock; statuses?: TimerStatusStore } = {},
): Rig {
  const clock = options.clock ?? createFakeClock(noon);
  const rig: Rig = {
    clock,
    runs: [],
    hold: Promise.resolve(),
    concurrent: 0,
    concurrentMax: 0,
    start: async () => undefined,
    stop: () => undefined,
  };
  const fn = {
    name: 'timer',
    bindingName: 't',
    binding: { type: 'timerTrigger', ...binding },
  } as unknown as TriggeredFunction;
  const context: HostContext = {
    clock,
    logger: createRecordingLogger(),
    keys: {},
    routePrefix: 'api',
    settings: {},
    bodyBytesMax: 0,
    queues: parseHostJson('{ "version": "2.0" }').queues,
    newInvocationId: () => 'id',
    async invoke(_fn, input) {
      rig.concurrentMax = Math.max(rig.concurrentMax, ++rig.concurrent);
      const info = JSON.parse(input.data.json ?? '') as { IsPastDue: boolean };
      rig.runs.push({ at: clock.now(), isPastDue: info.IsPastDue });
      await rig.hold;
      rig.concurrent--;
      return { ok: true, response: { invocationId: 'id' } };
    },
  };
  const listener = createTimerTrigger(options.statuses ?? createMemoryTimerStatus())([fn], context);
  return Object.assign(rig, { start: () => listener.start?.(), stop: () => listener.stop?.() });
}

/** A store that tells when all that was asked of it so far has ended. */
function withSettling(statuses: TimerStatusStore): TimerStatusStore & { settled(): Promise<void> } {
  const saves: Promise<void>[] = [];
  return {
    load: (name) => statuses.load(name),
    async save(name, status) {
      const save = statuses.save(name, status);
      saves.push(save);
      await save;
    },
    settled: async () => void (await Promise.all(saves)),
  };
}

describe('timer triggers', () => {
  it('run when due and not before', async () => {
    const rig = createRig({ schedule: '0 * * * * *' });
    await rig.start();
    await rig.clock.advance(29_000);
    assert.deepEqual(rig.runs, []);
    await rig.clock.advance(2 * minute);
    assert.deepEqual(rig.runs, [
      { at: noon + 30_000, isPastDue: false },
      { at: noon + 90_000, isPastDue: false },
    ]);
    rig.stop();
    await rig.clock.advance(10 * minute);
    assert.deepEqual([rig.runs.length, rig.clock.armed], [2, 0]);
  });

  it('run at constant intervals, and at the start when asked to', async () => {
    const rig = createRig({ schedule: '00:00:10', runOnStartup: true });
    await rig.start();
    await rig.clock.advance(25_000);
    assert.deepEqual(
      rig.runs.map(({ at }) => at - noon),
      [0, 10_000, 20_000],
    );
  });

  it('wait longer than a Node timer can', async () => {
    const rig = createRig({ schedule: '0 0 0 1 3 *' });
    await rig.start();
    await rig.clock.advance(60 * 86_400_000);
    assert.deepEqual(rig.runs, [{ at: Date.UTC(2026, 2, 1), isPastDue: false }]);
  });

  it('never run twice at once: what falls into a long run is made up for by one past-due run', async () => {
    const rig = createRig({ schedule: '0 * * * * *' });
    const gate = Promise.withResolvers<void>();
    rig.hold = gate.promise;
    await rig.start();
    await rig.clock.advance(5 * minute);
    assert.equal(rig.runs.length, 1);
    rig.hold = Promise.resolve();
    gate.resolve();
    await rig.clock.advance(0);
    assert.deepEqual(rig.runs.slice(1), [{ at: noon + 5 * minute, isPastDue: true }]);
    await rig.clock.advance(minute);
    assert.deepEqual(rig.runs.slice(2), [{ at: noon + 5 * minute + 30_000, isPastDue: false }]);
    assert.equal(rig.concurrentMax, 1);
  });

  it('make up for a sleep of the machine once', async () => {
    const rig = createRig({ schedule: '0 * * * * *' });
    await rig.start();
    await rig.clock.sleep(60 * minute);
    assert.deepEqual(rig.runs, [{ at: noon + 60 * minute, isPastDue: true }]);
  });

  it('make up once for what was due while the host was down', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'timers-'));
    t.after(() => rm(folder, { recursive: true }));
    const statuses = withSettling(createFileTimerStatus(folder));
    const clock = createFakeClock(noon);
    const first = createRig({ schedule: '0 * * * * *' }, { clock, statuses });
    await first.start();
    first.stop();
    await clock.advance(30 * minute);
    const second = createRig({ schedule: '0 * * * * *' }, { clock, statuses });
    await second.start();
    await clock.advance(0);
    assert.deepEqual(second.runs, [{ at: noon + 30 * minute, isPastDue: true }]);
    // A run is remembered in real files, which the clock knows nothing of: without this the folder may go under a save.
    await statuses.settled();
    const forgetful = createRig({ schedule: '0 * * * * *', useMonitor: false }, { clock, statuses });
    await forgetful.start();
    await clock.advance(0);
    assert.deepEqual(forgetful.runs, []);
  });

  it('reach their handlers through the real library', async () => {
    const clock = createFakeClock(noon);
    const { host, app } = await startFixture({ clock });
    await clock.advance(0);
    await clock.advance(minute);
    // A close waits up to its drain time on this clock, so what it needs must be over.
    await host.close();
    assert.deepEqual(
      app.seen.timers.map(({ name, timer }) => [name, timer.isPastDue, timer.scheduleStatus.next]),
      [
        ['atStart', false, '2026-01-06T03:00:00.000Z'],
        ['everyMinute', false, '2026-01-05T12:02:00.000Z'],
      ],
    );
  });
});
