/**
 * Agents that are told of changes, against a real stack with its realtime endpoint. Where polling is set to an hour, what arrives was pushed;
 * the tests' own limit is a minute.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Device } from '../../bench/demo/device.ts';
import { createRealtimeChannel } from '../../client/agent/realtime/realtime-channel.ts';
import { webPubSubSockets } from '../../client/agent/realtime/web-pubsub-socket.ts';
import type { WatchView } from '../../client/agent/watch/watch-state.ts';
import { createWorkerPool } from '../../client/agent/workers/worker-pool.ts';
import type { FolderStatus } from '../../client/cli/actions/status.ts';
import { connect } from '../../client/cli/connection.ts';
import { createContext } from '../../client/cli/context.ts';
import type { ShownDevice } from '../../client/cli/presence-lines.ts';
import { systemTimers } from '../../client/cli/system-timers.ts';
import { watchFolder } from '../../client/cli/watch-folder.ts';
import { startCutLine } from './cut-line.ts';
import { mustTide } from './tide-in-process.ts';
import { runTide } from './tide-process.ts';
import { until } from './until.ts';
import { Watching } from './watching.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

let world: World;
let a: Device;
let b: Device;
const watching: Watching[] = [];

before(async () => {
  world = await openWorld();
  [a, b] = await openSharedFolder(world, 'told');
});
after(async () => {
  await Promise.all(watching.map((each) => each.stop('SIGKILL')));
  await world.close();
});

function watch(device: Device, ...args: readonly string[]): Watching {
  const started = new Watching(device, [device.folder, ...args]);
  watching.push(started);
  return started;
}

const isConnected = (each: Watching): boolean => each.told('realtime', { state: 'connected' });

async function view(device: Device): Promise<WatchView> {
  const { watch: shown } = await device.run<FolderStatus>('status', device.folder);
  assert.ok(shown !== null);
  return shown;
}

interface Present {
  readonly devices: readonly ShownDevice[];
}

test('a commit on one device is on the other by push, and each sees the other', async () => {
  const [onA, onB] = [watch(a, '--poll', '3600'), watch(b, '--poll', '3600')];
  await until('both are connected', () => [onA, onB].every((each) => isConnected(each) && each.told('synced')));
  for (let i = 1; i <= 5; i++) {
    const [from, to] = i % 2 === 0 ? [b, a] : [a, b];
    writeFileSync(join(from.folder, 'note.txt'), `edit ${i}`);
    await until(`edit ${i} is there`, () => readFileSync(join(to.folder, 'note.txt'), 'utf8') === `edit ${i}`);
  }
  assert.ok(onB.told('synced', { reason: 'news' }));
  const shown = await view(b);
  assert.equal(shown.realtime, 'live');
  assert.ok(shown.counts.heard >= 3, `${shown.counts.heard} events`);
  // Once when it began to listen. News costs none.
  assert.equal(shown.counts.polls, 1);
  // Who saved last tells at its time that it is at rest again.
  await until('both are shown at rest', async () => {
    const { devices } = await mustTide<Present>(a.home, 'who', a.folder);
    const shownDevices = devices.map(({ name, state, isThis }) => `${name} ${state} ${isThis}`).sort();
    return shownDevices.join() === 'told-a idle true,told-b idle false';
  });
  const { stdout } = await runTide(a, ['status', a.folder]);
  assert.match(stdout, /realtime: live/);
  assert.match(stdout, /also here: +told-b +\S+ +idle +since/);
  const { code, stdout: checks } = await runTide(a, ['doctor', a.folder]);
  assert.equal(code, 0);
  assert.match(checks, /^ok +realtime +the agent is connected/m);
});

test('a paused folder is away to the others, and hears of everything when it goes on', async () => {
  await b.run('pause', b.folder);
  const stateOfB = async () => {
    const { devices } = await mustTide<Present>(a.home, 'who', a.folder);
    return devices.find(({ name }) => name === 'told-b')?.state;
  };
  await until('B is away', async () => (await stateOfB()) === 'offline');
  writeFileSync(join(a.folder, 'paused.txt'), 'meanwhile');
  await until('A is at rest', async () => (await a.status()).upToDate);
  assert.equal(existsSync(join(b.folder, 'paused.txt')), false);
  await b.run('resume', b.folder);
  await until('it is there', () => existsSync(join(b.folder, 'paused.txt')));
  await until('B is back', async () => (await stateOfB()) === 'idle');
  writeFileSync(join(a.folder, 'resumed.txt'), 'pushed');
  await until('it is there', () => existsSync(join(b.folder, 'resumed.txt')));
});

test('the first signal ends the connection too, in an orderly way', async () => {
  const [onA, onB] = watching;
  assert.equal(await onB!.stop('SIGTERM'), 0);
  await until('B is away', async () => {
    const { devices } = await mustTide<Present>(a.home, 'who', a.folder);
    return devices.find(({ name }) => name === 'told-b')?.state === 'offline';
  });
  assert.equal(await onA!.stop('SIGINT'), 0);
  const { stdout } = await runTide(a, ['doctor', a.folder]);
  assert.match(stdout, /^ok +realtime +connected, joined and closed/m);
  for (const each of watching.splice(0)) assert.ok(!/access_token|eyJ/.test(each.text));
});

test('without realtime it polls, and others do not see it', async () => {
  const onB = watch(b, '--no-realtime', '--poll', '1');
  await until('B watches', () => onB.told('synced'));
  writeFileSync(join(a.folder, 'polled.txt'), 'asked for');
  await a.sync();
  await until('it is there', () => existsSync(join(b.folder, 'polled.txt')));
  assert.equal((await view(b)).realtime, 'off');
  assert.equal(onB.told('realtime'), false);
  await onB.stop();
});

test('two folders hear over one connection', async () => {
  const { server } = world.stack.endpoints;
  const [folder, other] = [join(world.base, 'told-a-second'), world.device('second-b')];
  mkdirSync(folder);
  await a.run('create', 'second');
  await a.run('link', folder, '--workspace', 'second');
  await other.link(server, 'ann', 'second');
  const onBoth = watch(a, folder, '--poll', '3600');
  await until('both are connected', () => onBoth.told('realtime', { state: 'connected', folders: 2 }));
  writeFileSync(join(b.folder, 'to-first.txt'), '1');
  writeFileSync(join(other.folder, 'to-second.txt'), '2');
  await Promise.all([b.sync(), other.sync()]);
  await until('both are there', () => {
    return existsSync(join(a.folder, 'to-first.txt')) && existsSync(join(folder, 'to-second.txt'));
  });
  await onBoth.stop();
});

test('a member who is removed is told so, and hears nothing more', async () => {
  const { server } = world.stack.endpoints;
  const bob = new Device('bob', world.base);
  await a.run('share', 'told', 'bob');
  await bob.link(server, 'bob', 'told');
  const onBob = watch(bob, '--poll', '2');
  await until('bob is connected', () => isConnected(onBob) && onBob.told('synced'));
  await a.run('members', 'remove', 'told', 'bob', '--yes');
  await until('bob is told', () => onBob.told('state', { state: 'waiting', code: 'not-found' }));
  await until('bob has no seat', async () => (await view(bob)).realtime === 'polling');
  const { heard } = (await view(bob)).counts;
  writeFileSync(join(a.folder, 'not-for-bob.txt'), 'secret');
  await a.sync();
  assert.equal(existsSync(join(bob.folder, 'not-for-bob.txt')), false);
  assert.equal((await view(bob)).counts.heard, heard);
  await onBob.stop();
});

test('a line that is cut: it goes on by polling, and is live again when the line is back', async () => {
  const { realtime } = world.stack.endpoints;
  const line = await startCutLine(Number(new URL(realtime!).port));
  const stop = new AbortController();
  const context = { ...createContext(stop.signal), configFolder: b.home, stateFolder: join(b.home, 'state') };
  const executor = createWorkerPool();
  const { api } = connect(context);
  const channel = createRealtimeChannel({
    negotiate: async (seats, signal) => {
      const answer = await api.negotiate({ seats: [...seats] }, signal);
      if (answer.url === null) return answer;
      const url = new URL(answer.url);
      url.port = String(line.port);
      return { ...answer, url: url.href };
    },
    openSocket: webPubSubSockets(systemTimers),
    timers: systemTimers,
    tell: () => undefined,
  });
  const share = { context, options: { quiet: true }, executor, channelOf: () => channel, pollMs: 1_000 };
  const loop = watchFolder(share, b.folder, undefined, () => undefined);
  const running = loop.run(stop.signal);
  try {
    await until('it is live', () => loop.view().realtime === 'live');
    line.cut();
    await until('it is not', () => loop.view().realtime === 'polling');
    writeFileSync(join(a.folder, 'cut.txt'), 'polled');
    await a.sync();
    await until('it is there', () => existsSync(join(b.folder, 'cut.txt')));
    assert.equal(loop.view().realtime, 'polling');
    line.mend();
    await until('it is live again', () => loop.view().realtime === 'live');
    const { heard } = loop.view().counts;
    writeFileSync(join(a.folder, 'mended.txt'), 'pushed');
    await a.sync();
    await until('it is there', () => existsSync(join(b.folder, 'mended.txt')));
    await until('it was told', () => loop.view().counts.heard > heard);
  } finally {
    stop.abort(new Error('the test is over'));
    await running;
    await channel.close();
    await executor.close();
    await line.close();
  }
});
