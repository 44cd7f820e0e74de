import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../shared/core/limits.ts';
import { deviceId as deviceIdSchema, workspaceId as workspaceIdSchema } from '../../../shared/core/wire/schema.ts';
import type { Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import { groupOfWorkspace } from '../../../shared/ports/notifier.ts';
import { decodeSeats } from '../../../shared/services/realtime/seats.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { createTestNotifier } from '../../api/world/test-notifier.ts';
import { TestClock, type Person, userOf } from '../../api/world/test-world.ts';
import { type Scene, seatOf, setScene } from './scene.ts';

const nobodysWorkspace = workspaceIdSchema.fromJson('ab'.repeat(16), '');
const nobodysDevice = deviceIdSchema.fromJson('cd'.repeat(16), '');

async function start() {
  const notifier = createTestNotifier(new TestClock());
  const scene = await setScene((deps) => ({ ...deps, notifier }));
  const ask = ({ world }: Scene, person: Person, seats: readonly Seat[]) =>
    clientOf(world, person).negotiate({ seats: seats.map(seatOf) });
  return { ...scene, notifier, ask: (person: Person, ...seats: readonly Seat[]) => ask(scene, person, seats) };
}

describe('negotiate', () => {
  it('gives a URL for what the caller may have: one group for each workspace, and the seats', async () => {
    const { world, ann, ask, notifier } = await start();
    const other = await createWorkspaceAs(world, 'ann', { token: 'other' });
    const tablet = await TestDevice.register(world, 'ann', ann.workspaceId, 'tablet');
    const second = { workspaceId: other.workspaceId, deviceId: ann.deviceId };
    const wanted = [ann, tablet, second].map(seatOf);
    const { url, expiresMs, seats } = await ask('ann', ...wanted, ann);
    assert.deepEqual(seats, wanted);
    assert.deepEqual(notifier.asked, [
      {
        userId: userOf('ann'),
        groups: [ann.workspaceId, other.workspaceId].map(groupOfWorkspace),
        seconds: limits.realtimeUrlSeconds,
      },
    ]);
    assert.equal(expiresMs, world.clock.ms + limits.realtimeUrlSeconds * 1_000);
    assert.deepEqual(decodeSeats(new URL(url!).searchParams.get('seats')), wanted);
  });

  it("leaves out what is not the caller's, whatever it is, and looks at all of it alike", async () => {
    const { world, ann, bob, eve, ws, ask, notifier } = await start();
    const lost = await TestDevice.register(world, 'ann', ws, 'lost');
    await clientOf(world, 'ann').revokeDevice(lost.deviceId);
    const gone = await createWorkspaceAs(world, 'ann', { token: 'gone' });
    await clientOf(world, 'ann').deleteWorkspace(gone.workspaceId, null);
    const bad: readonly Seat[] = [
      { workspaceId: eve.workspaceId, deviceId: ann.deviceId },
      { workspaceId: nobodysWorkspace, deviceId: ann.deviceId },
      { workspaceId: gone.workspaceId, deviceId: ann.deviceId },
      { workspaceId: ws, deviceId: eve.deviceId },
      { workspaceId: ws, deviceId: bob.deviceId },
      { workspaceId: ws, deviceId: lost.deviceId },
      { workspaceId: ws, deviceId: nobodysDevice },
    ];
    for (const seat of bad) {
      assert.deepEqual(await ask('ann', seat), { url: null, expiresMs: null, seats: [] });
    }
    assert.equal(notifier.asked.length, 0);
    const { url, seats } = await ask('ann', ...bad, ann);
    assert.deepEqual(seats, [seatOf(ann)]);
    assert.deepEqual(decodeSeats(new URL(url!).searchParams.get('seats')), [seatOf(ann)]);
    assert.deepEqual(notifier.asked[0]?.groups, [groupOfWorkspace(ws)]);
  });

  it('finds the one seat among as many as may be asked for, and takes no more', async () => {
    const { ann, ask, notifier } = await start();
    const foreign = Array.from({ length: limits.realtimeSeatsMax - 1 }, (_, n) => ({
      workspaceId: n % 2 === 0 ? nobodysWorkspace : ann.workspaceId,
      deviceId: deviceIdSchema.fromJson(n.toString(16).padStart(32, '0'), ''),
    }));
    assert.deepEqual((await ask('ann', ...foreign, ann)).seats, [seatOf(ann)]);
    assert.equal(notifier.asked.length, 1);
    await assert.rejects(ask('ann', ...foreign, ann, { workspaceId: nobodysWorkspace, deviceId: nobodysDevice }));
    assert.equal(notifier.asked.length, 1);
  });

  it('reads the same of a seat of others as of one that nobody has', async () => {
    const reads: string[] = [];
    const noting = <Store extends object>(store: Store, name: string): Store =>
      new Proxy(store, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== 'function') return value;
          return (...given: unknown[]): unknown => {
            reads.push(`${name}.${String(key)}`);
            return Reflect.apply(value, target, given);
          };
        },
      });
    const { world, ann, eve } = await setScene((deps) => {
      const { workspaces, devices } = deps.metadata;
      const metadata = { ...deps.metadata, workspaces: noting(workspaces, 'w'), devices: noting(devices, 'd') };
      metadata.purgeWorkspace = (...given) => deps.metadata.purgeWorkspace(...given);
      return { ...deps, metadata };
    });
    const readsFor = async (seat: Seat): Promise<string[]> => {
      reads.length = 0;
      await clientOf(world, 'ann').negotiate({ seats: [seatOf(seat)] });
      return [...reads].sort();
    };
    const nothing = await readsFor({ workspaceId: nobodysWorkspace, deviceId: nobodysDevice });
    assert.deepEqual(nothing, ['d.get', 'w.get']);
    assert.deepEqual(await readsFor(eve), nothing);
    assert.deepEqual(await readsFor(ann), nothing);
  });

  it('gives none where there is no realtime service, and none for no seat', async () => {
    const without = await setScene((deps) => ({ ...deps, notifier: null }));
    const nowhere = { url: null, expiresMs: null, seats: [] };
    const asked = { seats: [seatOf(without.ann)] };
    assert.deepEqual(await clientOf(without.world, 'ann').negotiate(asked), nowhere);
    const { ask } = await start();
    assert.deepEqual(await ask('ann'), nowhere);
  });

  it('is unavailable for a while when the service fails, and nothing of why gets out', async () => {
    const failing = createTestNotifier(new TestClock());
    const why = 'Endpoint=https://realtime.test;AccessKey=abc';
    const { world, ann } = await setScene((deps) => ({
      ...deps,
      notifier: { ...failing, clientUrl: () => Promise.reject(new Error(why)) },
    }));
    const request = new Request('https://tidemark.test/api/realtime/negotiate', {
      method: 'POST',
      headers: { authorization: 'Bearer ann', 'content-type': 'application/json' },
      body: JSON.stringify({ seats: [seatOf(ann)] }),
    });
    const response = await world.api.handle(request);
    const body = await response.text();
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
    assert.equal((JSON.parse(body) as { code: string }).code, 'unavailable');
    for (const text of [body, ...world.logged]) assert.ok(!text.includes('AccessKey'));
  });
});
