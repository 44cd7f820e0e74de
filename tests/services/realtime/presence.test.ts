import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTokenBucketLimiter } from '../../../shared/adapters/memory/token-bucket-limiter.ts';
import { limits } from '../../../shared/core/limits.ts';
import { connected, disconnected } from '../../../shared/services/realtime/connected.ts';
import type { Connection } from '../../../shared/services/realtime/connection.ts';
import { type ReportOutcome, reportPresence } from '../../../shared/services/realtime/report.ts';
import { reportsPolicy } from '../../../shared/services/realtime/reports-policy.ts';
import { sweep } from '../../../shared/services/sweep.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice } from '../../api/world/test-device.ts';
import { type Person, userOf } from '../../api/world/test-world.ts';
import { notingWrites } from '../../api/world/write-log.ts';
import { type Scene, letIn, seatOf, setScene } from './scene.ts';

const heartbeatMs = limits.presenceHeartbeatSeconds * 1_000;
const liveMs = limits.presenceLiveSeconds * 1_000;

function say(
  { world }: Scene,
  connection: Connection,
  state: string,
  ...devices: readonly TestDevice[]
): Promise<ReportOutcome> {
  return reportPresence(world.deps, { connection, data: { folders: devices.map((of) => ({ ...seatOf(of), state })) } });
}

/** Who is shown, as what, since when. */
async function seen({ world, ws }: Scene, person: Person = 'ann') {
  const { devices } = await clientOf(world, person).listPresence(ws);
  return devices.map(({ name, state, sinceMs }) => [name, state, sinceMs] as const);
}

function states({ told }: Scene) {
  return told.events.map((event) => (event.kind === 'presence' ? event.state : event.kind));
}

describe('presence', () => {
  it('is idle once the connection stands, then what the device says, then offline; changes alone are announced', async () => {
    const scene = await setScene();
    const { world, told, ws, ann, bob } = scene;
    const { clock, deps } = world;
    const connection = await letIn(world, 'ann', 'c1', ann);
    const t0 = clock.ms;
    await connected(deps, connection);
    await connected(deps, connection);
    assert.deepEqual(await seen(scene, 'bob'), [['laptop', 'idle', t0]]);
    clock.ms += heartbeatMs;
    assert.equal(await say(scene, connection, 'idle', ann), 'taken');
    const { devices } = await clientOf(world, 'bob').listPresence(ws);
    assert.deepEqual(devices, [
      {
        userId: userOf('ann'),
        deviceId: ann.deviceId,
        name: 'laptop',
        state: 'idle',
        sinceMs: t0,
        seenMs: t0 + heartbeatMs,
      },
    ]);
    const t1 = (clock.ms += 1_000);
    await say(scene, connection, 'syncing', ann);
    clock.ms += 1_000;
    await connected(deps, connection);
    assert.deepEqual(await seen(scene), [['laptop', 'syncing', t1]], 'a repeat of connected says nothing');
    await connected(deps, await letIn(world, 'bob', 'c2', bob));
    assert.equal((await seen(scene)).length, 2);
    const t2 = (clock.ms += 1_000);
    await disconnected(deps, connection);
    await disconnected(deps, connection);
    assert.deepEqual((await seen(scene)).at(-1), ['laptop', 'offline', t2]);
    assert.equal(await say(scene, connection, 'idle', ann), 'taken');
    assert.deepEqual((await seen(scene)).at(-1), ['laptop', 'offline', t2], 'who has gone says nothing more');
    assert.deepEqual(states(scene), ['idle', 'syncing', 'idle', 'offline']);
    assert.deepEqual(told.events[0], {
      kind: 'presence',
      workspaceId: ws,
      userId: userOf('ann'),
      deviceId: ann.deviceId,
      state: 'idle',
    });
    assert.deepEqual(told.expelled, []);
  });

  it('lapses when nothing is heard, and comes back with the next word', async () => {
    const scene = await setScene();
    const { world, ann } = scene;
    const connection = await letIn(world, 'ann', 'c1', ann);
    const heard = world.clock.ms;
    await connected(world.deps, connection);
    world.clock.ms = heard + liveMs;
    assert.deepEqual(await seen(scene), [['laptop', 'idle', heard]]);
    world.clock.ms++;
    assert.deepEqual(await seen(scene), [['laptop', 'offline', heard]]);
    await say(scene, connection, 'idle', ann);
    assert.deepEqual(await seen(scene), [['laptop', 'idle', world.clock.ms]]);
    assert.deepEqual(states(scene), ['idle', 'idle']);
  });

  it('belongs to the newest connection: an older one that ends late, or speaks late, changes nothing', async () => {
    const scene = await setScene();
    const { world, ann } = scene;
    const { deps, clock } = world;
    const old = await letIn(world, 'ann', 'c-old', ann);
    await connected(deps, old);
    clock.ms += 5_000;
    const young = await letIn(world, 'ann', 'a-young', ann);
    await connected(deps, young);
    await say(scene, young, 'syncing', ann);
    await disconnected(deps, old);
    await say(scene, old, 'idle', ann);
    await connected(deps, old);
    assert.equal((await seen(scene))[0]?.[1], 'syncing');
    await disconnected(deps, young);
    await say(scene, old, 'idle', ann);
    assert.equal((await seen(scene))[0]?.[1], 'offline');
    // Whatever the clocks of those who let them in said, who alone is heard from is shown.
    clock.ms += liveMs + 1;
    const third = await letIn(world, 'ann', 'third', ann);
    await connected(deps, { ...third, states: { ...third.states, opened: '1' } });
    assert.equal((await seen(scene))[0]?.[1], 'idle');
  });

  it('of an end that is heard of before the beginning stays at the end', async () => {
    const scene = await setScene();
    const { world, ann } = scene;
    const connection = await letIn(world, 'ann', 'c1', ann);
    await disconnected(world.deps, connection);
    await connected(world.deps, connection);
    assert.equal((await seen(scene))[0]?.[1], 'offline');
    assert.deepEqual(states(scene), []);
  });

  it('is kept for a while, and swept then', async () => {
    const scene = await setScene();
    const { world, ann } = scene;
    const connection = await letIn(world, 'ann', 'c1', ann);
    await connected(world.deps, connection);
    await disconnected(world.deps, connection);
    world.clock.ms += limits.presenceKeptSeconds * 1_000 - 1;
    assert.equal((await seen(scene)).length, 1);
    world.clock.ms += 2;
    assert.equal((await seen(scene)).length, 0);
    assert.equal((await sweep(world.deps)).presence, 1);
  });

  it('lists those first that are there, then by when they were heard of', async () => {
    const scene = await setScene();
    const { world, ann, bob, ws } = scene;
    const tablet = await TestDevice.register(world, 'ann', ws, 'tablet');
    const first = await letIn(world, 'ann', 'c1', ann);
    await connected(world.deps, first);
    world.clock.ms += 1_000;
    const second = await letIn(world, 'ann', 'c2', tablet);
    await connected(world.deps, second);
    world.clock.ms += 1_000;
    await disconnected(world.deps, first);
    world.clock.ms += 1_000;
    const third = await letIn(world, 'bob', 'c3', bob);
    await connected(world.deps, third);
    await disconnected(world.deps, third);
    assert.deepEqual(
      (await seen(scene)).map(([name]) => name),
      ['tablet', 'phone', 'laptop'],
    );
  });
});

describe('a report', () => {
  it('is about seats of the connection: of others nothing is stored and nothing announced', async () => {
    const scene = await setScene();
    const { world, ann, bob, eve, told } = scene;
    const connection = await letIn(world, 'ann', 'c1', ann);
    for (const other of [bob, eve, new TestDevice(world, 'ann', eve.workspaceId, ann.deviceId)]) {
      assert.equal(await say(scene, connection, 'syncing', other), 'foreign');
    }
    assert.equal(await say(scene, connection, 'idle', ann, bob, eve), 'taken');
    assert.deepEqual((await seen(scene)).length, 1);
    assert.deepEqual((await clientOf(world, 'eve').listPresence(eve.workspaceId)).devices, []);
    assert.equal(told.events.length, 1);
  });

  it('is taken as text or as what was read of it, and dropped when it is none', async () => {
    const { world, ann } = await setScene();
    const connection = await letIn(world, 'ann', 'c1', ann);
    const folder = { ...seatOf(ann), state: 'idle' };
    for (const data of [{ folders: [folder] }, JSON.stringify({ folders: [folder] })]) {
      assert.equal(await reportPresence(world.deps, { connection, data }), 'taken');
    }
    const tooMany = { folders: Array.from({ length: limits.realtimeSeatsMax + 1 }, () => folder) };
    const bad = [
      '',
      'x',
      '[]',
      null,
      7,
      {},
      { folders: [{ ...folder, state: 'offline' }] },
      tooMany,
      ' '.repeat(20_000),
    ];
    for (const data of bad) assert.equal(await reportPresence(world.deps, { connection, data }), 'malformed');
  });

  it('beyond the rate of a connection costs no look into any store, and harms no other connection', async () => {
    const calls: string[] = [];
    const scene = await setScene((deps) => ({
      ...notingWrites(deps, calls),
      reportLimiter: createTokenBucketLimiter(reportsPolicy),
    }));
    const { world, ann, bob, told } = scene;
    const connection = await letIn(world, 'ann', 'c1', ann);
    const other = await letIn(world, 'bob', 'c2', bob);
    for (let i = 0; i < reportsPolicy.burst; i++) assert.equal(await say(scene, connection, 'idle', ann), 'taken');
    calls.length = told.events.length = 0;
    const { metadata, announcer: _, ...rest } = world.deps;
    const unreachable = new Proxy(metadata, { get: () => assert.fail('a store was asked') });
    const data = { folders: [{ ...seatOf(ann), state: 'syncing' }] };
    for (let i = 0; i < 1_000; i++) {
      const deps = { ...rest, announcer: world.deps.announcer, metadata: unreachable };
      assert.equal(await reportPresence(deps, { connection, data }), 'flood');
    }
    assert.deepEqual([calls, told.events], [[], []]);
    assert.equal(await say(scene, other, 'idle', bob), 'taken');
    world.clock.ms += heartbeatMs;
    assert.equal(await say(scene, connection, 'syncing', ann), 'taken');
  });

  it('of who may not have the seats any more ends the connection, and says nothing', async () => {
    const scene = await setScene();
    const { world, told, ann, bob, ws } = scene;
    const anns = clientOf(world, 'ann');
    const bobs = await letIn(world, 'bob', 'of bob', bob);
    await connected(world.deps, bobs);
    await anns.removeMember(ws, userOf('bob'), null);
    told.events.length = told.expelled.length = 0;
    assert.equal(await say(scene, bobs, 'syncing', bob), 'expelled');
    await connected(world.deps, bobs);
    assert.deepEqual(told, { events: [], expelled: ['connection of bob', 'connection of bob'] });
    assert.deepEqual(await seen(scene), [], 'who is no member is not shown');

    const lost = await TestDevice.register(world, 'ann', ws, 'lost');
    const losts = await letIn(world, 'ann', 'of lost', ann, lost);
    await connected(world.deps, losts);
    await anns.revokeDevice(lost.deviceId);
    told.expelled.length = 0;
    assert.equal(await say(scene, losts, 'syncing', ann), 'expelled', 'also when it speaks of another seat');
    assert.deepEqual(told.expelled, ['connection of lost']);
    assert.deepEqual(
      (await seen(scene)).map(([name]) => name),
      ['laptop'],
    );

    const last = await letIn(world, 'ann', 'last', ann);
    await anns.deleteWorkspace(ws, null);
    told.expelled.length = 0;
    assert.equal(await say(scene, last, 'idle', ann), 'expelled');
    assert.equal(await say(scene, { ...last, states: {} }, 'idle', ann), 'expelled', 'a connection without states');
    assert.equal(told.expelled.length, 2);
  });

  it('whose header names somebody else than its states ends the connection, and is of nobody', async () => {
    const scene = await setScene();
    const { world, told, ann } = scene;
    const connection = await letIn(world, 'ann', 'c1', ann);
    const other = { ...connection, userHeader: userOf('bob') };
    await connected(world.deps, other);
    assert.equal(await say(scene, other, 'idle', ann), 'expelled');
    assert.deepEqual(told, { events: [], expelled: ['connection c1', 'connection c1'] });
    assert.equal(await say(scene, { ...connection, userHeader: null }, 'idle', ann), 'taken');
    await disconnected(world.deps, other);
    assert.equal((await seen(scene))[0]?.[1], 'idle');
  });
});
