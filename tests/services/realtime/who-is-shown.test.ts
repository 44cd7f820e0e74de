/** Random days of two people in one workspace and a stranger in another: nobody is shown who may not be there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { connected, disconnected } from '../../../shared/services/realtime/connected.ts';
import type { Connection } from '../../../shared/services/realtime/connection.ts';
import { reportPresence, reportProgress } from '../../../shared/services/realtime/report.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { userOf } from '../../api/world/test-world.ts';
import { encodeSeats } from '../../../shared/services/realtime/seats.ts';
import { type Scene, seatOf, setScene } from './scene.ts';

const whos = ['ann', 'bob', 'eve'] as const;
const event = fc.record({
  what: fc.constantFrom('connected', 'disconnected', 'idle', 'syncing', 'progress'),
  who: fc.constantFrom(...whos),
  /** Whose seat the connection has; connect lets nobody have another's, but states are parsed as if it had. */
  seat: fc.constantFrom(...whos),
  connection: fc.nat(2),
  times: fc.integer({ min: 1, max: 2 }),
});
const act = fc.oneof(
  { weight: 5, arbitrary: event },
  { weight: 1, arbitrary: fc.constantFrom('remove bob', 'put bob', 'revoke bob', 'later') },
);
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;

function connectionOf(scene: Scene, { who, seat, connection }: Exclude<Act, string>): Connection {
  const seats = encodeSeats([seatOf(scene[seat])]);
  const opened = String(1_000 + connection);
  return {
    connectionId: `${who} ${seat} ${connection}`,
    userHeader: userOf(who),
    states: { user: userOf(who), seats, opened },
  };
}

async function play(scene: Scene, one: Act): Promise<void> {
  const { world, ws } = scene;
  const ann = clientOf(world, 'ann');
  if (one === 'later') world.clock.ms += 60_000;
  else if (one === 'remove bob') await ann.removeMember(ws, userOf('bob'), null);
  else if (one === 'put bob') await ann.putMember(ws, { userId: userOf('bob'), role: 'viewer' }, null);
  else if (one === 'revoke bob') await clientOf(world, 'bob').revokeDevice(scene.bob.deviceId);
  else {
    const connection = connectionOf(scene, one);
    const seat = seatOf(scene[one.seat]);
    const progress = { workspaceId: seat.workspaceId, sessionId: '5'.repeat(32), percent: 1 };
    for (let i = 0; i < one.times; i++) {
      if (one.what === 'connected') await connected(world.deps, connection);
      else if (one.what === 'disconnected') await disconnected(world.deps, connection);
      else if (one.what === 'progress') await reportProgress(world.deps, { connection, data: progress });
      else await reportPresence(world.deps, { connection, data: { folders: [{ ...seat, state: one.what }] } });
    }
  }
}

describe('whatever events come, and whoever comes and goes', () => {
  it('lists only members, with devices that are theirs and were not revoked, each in their own workspace', async () => {
    let shown = 0;
    const days = fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
      const scene = await setScene();
      const { world, ws, ann, bob, eve, told } = scene;
      for (const one of acts) {
        told.events.length = 0;
        await play(scene, one);
        const { members } = await clientOf(world, 'ann').listMembers(ws);
        const [bobs] = await clientOf(world, 'bob').listDevices();
        const isBobIn = members.some(({ userId }) => userId === userOf('bob')) && bobs?.revokedMs === null;
        const allowed = new Set([ann.deviceId, ...(isBobIn ? [bob.deviceId] : [])]);
        const { devices } = await clientOf(world, 'ann').listPresence(ws);
        for (const { deviceId, userId } of devices) {
          assert.ok(allowed.has(deviceId));
          assert.equal(userId, userOf(deviceId === ann.deviceId ? 'ann' : 'bob'));
          shown++;
        }
        const eves = await clientOf(world, 'eve').listPresence(eve.workspaceId);
        assert.ok(eves.devices.every(({ deviceId }) => deviceId === eve.deviceId));
        for (const event of told.events) {
          assert.equal(event.kind, 'presence', 'nobody has that session');
          if (event.kind !== 'presence' || event.state === 'offline') continue;
          assert.ok(event.workspaceId === ws ? allowed.has(event.deviceId) : event.deviceId === eve.deviceId);
        }
      }
    });
    await fc.assert(days, { numRuns: 60 });
    assert.ok(shown > 100, `${shown}`);
  });
});
