import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from '../../../shared/services/realtime/connect.ts';
import { readConnection } from '../../../shared/services/realtime/connection.ts';
import { encodeSeats } from '../../../shared/services/realtime/seats.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { userOf } from '../../api/world/test-world.ts';
import { knock, letIn, rolesOf, seatOf, setScene } from './scene.ts';

describe('connect', () => {
  it('lets in whose seats are theirs, and leaves the seats and the time with the connection', async () => {
    const { world, ann } = await setScene();
    const answer = await knock(world, 'ann', [seatOf(ann)]);
    const states = { seats: encodeSeats([ann]), opened: String(world.clock.ms) };
    assert.deepEqual(answer, { kind: 'accepted', states });
    const connection = { connectionId: 'c', userId: userOf('ann'), states };
    const { userId } = connection;
    const read = { connectionId: 'c', userId, seats: [seatOf(ann)], openedMs: world.clock.ms };
    assert.deepEqual(readConnection(connection), read);
    for (const bad of [{}, { seats: states.seats }, { ...states, opened: -1 }, { ...states, opened: '1e3' }]) {
      assert.equal(readConnection({ ...connection, states: bad }), undefined);
    }
  });

  it('refuses seats that the client made up', async () => {
    const { world, ann, bob, eve, ws } = await setScene();
    const made = [
      { workspaceId: ws, deviceId: eve.deviceId },
      { workspaceId: ws, deviceId: bob.deviceId },
      { workspaceId: eve.workspaceId, deviceId: ann.deviceId },
    ];
    for (const seat of made) {
      assert.equal((await knock(world, 'ann', [seat])).kind, 'refused');
      assert.equal((await knock(world, 'ann', [seatOf(ann), seat])).kind, 'refused');
    }
    assert.equal((await knock(world, 'eve', [{ workspaceId: ws, deviceId: eve.deviceId }])).kind, 'refused');
  });

  it('refuses a token with roles of other workspaces than those of its seats, and one whose roles it does not see', async () => {
    const { world, ann, ws } = await setScene();
    const other = await createWorkspaceAs(world, 'ann', { token: 'other' });
    const second = { workspaceId: other.workspaceId, deviceId: ann.deviceId };
    const both = [seatOf(ann), second];
    assert.equal((await knock(world, 'ann', both)).kind, 'accepted');
    assert.equal((await knock(world, 'ann', [seatOf(ann)], both)).kind, 'refused', 'a role without its seat');
    assert.equal((await knock(world, 'ann', both, [seatOf(ann)])).kind, 'refused', 'a seat without its role');
    const input = { connectionId: 'c', userId: userOf('ann'), query: { seats: [encodeSeats([ann])] } };
    const [role] = rolesOf(ann);
    const bad = [
      {},
      { role: [] },
      { role: [role!, `webpubsub.sendToGroup.ws-${ws}`] },
      { role: [role!, 'webpubsub.joinLeaveGroup'] },
      { roles: [role!] },
    ];
    for (const claims of bad) assert.equal((await connect(world.deps, { ...input, claims })).kind, 'refused');
    const claims = { 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role': [role!] };
    assert.equal((await connect(world.deps, { ...input, claims })).kind, 'accepted', 'as .NET names it');
  });

  it('refuses a query with no seats, with two, and with what is none', async () => {
    const { world, ann } = await setScene();
    const input = { connectionId: 'c', userId: userOf('ann'), claims: { role: rolesOf(ann) } };
    const good = encodeSeats([ann]);
    for (const seats of [[], [''], [good, good], [`${good}A`], ['*']]) {
      assert.equal((await connect(world.deps, { ...input, query: { seats } })).kind, 'refused');
    }
    assert.equal((await connect(world.deps, { ...input, query: {} })).kind, 'refused');
    assert.ok(!world.logged.some((line) => line.includes(good)));
  });

  it('refuses who may no longer what they might when they negotiated', async () => {
    const { world, ann, bob, ws } = await setScene();
    const anns = clientOf(world, 'ann');
    assert.equal((await knock(world, 'bob', [seatOf(bob)])).kind, 'accepted');
    await anns.removeMember(ws, userOf('bob'), null);
    assert.equal((await knock(world, 'bob', [seatOf(bob)])).kind, 'refused');
    const lost = await TestDevice.register(world, 'ann', ws, 'lost');
    await anns.revokeDevice(lost.deviceId);
    assert.equal((await knock(world, 'ann', [seatOf(lost)])).kind, 'refused');
    assert.equal((await knock(world, 'ann', [seatOf(ann)])).kind, 'accepted');
    await anns.deleteWorkspace(ws, null);
    assert.equal((await knock(world, 'ann', [seatOf(ann)])).kind, 'refused');
  });

  it('lets a viewer in', async () => {
    const { world, bob, ws } = await setScene();
    await clientOf(world, 'ann').putMember(ws, { userId: userOf('bob'), role: 'viewer' }, null);
    await letIn(world, 'bob', 'c', bob);
  });
});
