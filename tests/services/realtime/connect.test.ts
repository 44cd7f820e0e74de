import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTokenBucketLimiter } from '../../../shared/adapters/memory/token-bucket-limiter.ts';
import { connect } from '../../../shared/services/realtime/connect.ts';
import { readConnection } from '../../../shared/services/realtime/connection.ts';
import { encodeSeats } from '../../../shared/services/realtime/seats.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { userOf } from '../../api/world/test-world.ts';
import { knock, letIn, rolesOf, seatOf, setScene } from './scene.ts';

describe('connect', () => {
  it('lets in whose seats are theirs, and leaves the user, the seats and the time with the connection', async () => {
    const { world, ann } = await setScene();
    const answer = await knock(world, 'ann', [seatOf(ann)]);
    const userId = userOf('ann');
    const states = { user: userId, seats: encodeSeats([ann]), opened: String(world.clock.ms) };
    assert.deepEqual(answer, { kind: 'accepted', states });
    const connection = { connectionId: 'c', userHeader: userId, states };
    const read = { connectionId: 'c', userId, seats: [seatOf(ann)], openedMs: world.clock.ms };
    assert.deepEqual(readConnection(connection), read);
    const { user, seats, opened } = states;
    const lacking = [{}, { seats, opened }, { user, opened }, { user, seats }];
    const wrong = [{ user: '' }, { user: [userId] }, { seats: 'AAAA' }, { opened: -1 }, { opened: '1e3' }];
    for (const bad of [...lacking, ...wrong.map((one) => ({ ...states, ...one }))]) {
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
    const input = { userHeader: null, query: { seats: [encodeSeats([ann])] } };
    const sub = [userOf('ann')];
    const [role] = rolesOf(ann);
    const bad = [
      {},
      { role: [] },
      { role: [role!, `webpubsub.sendToGroup.ws-${ws}`] },
      { role: [role!, 'webpubsub.joinLeaveGroup'] },
      { roles: [role!] },
    ];
    for (const claims of bad) {
      assert.equal((await connect(world.deps, { ...input, claims: { ...claims, sub } })).kind, 'refused');
    }
    const claims = { sub, 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role': [role!] };
    assert.equal((await connect(world.deps, { ...input, claims })).kind, 'accepted', 'as .NET names it');
  });

  it('takes the user from the claims, to the letter, and refuses whom the header contradicts', async () => {
    const { world, ann } = await setScene();
    const input = { query: { seats: [encodeSeats([ann])] } };
    const kindOf = async (userHeader: string | null, claims: Readonly<Record<string, string[]>>): Promise<string> =>
      (await connect(world.deps, { ...input, userHeader, claims: { role: rolesOf(ann), ...claims } })).kind;
    const [user, other] = [userOf('ann'), userOf('bob')];
    const asDotNet = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier';
    for (const header of [null, user, encodeURIComponent(user)]) {
      assert.equal(await kindOf(header, { sub: [user] }), 'accepted');
      assert.equal(await kindOf(header, { [asDotNet]: [user] }), 'accepted');
      assert.equal(await kindOf(header, { sub: [user], [asDotNet]: [user] }), 'accepted');
    }
    for (const claims of [
      {},
      { sub: [] },
      { sub: [''] },
      { sub: [user, other] },
      { sub: [user], [asDotNet]: [other] },
    ]) {
      assert.equal(await kindOf(user, claims), 'refused', JSON.stringify(claims));
    }
    assert.equal(await kindOf(user, { sub: [other] }), 'refused');
    for (const header of ['', other, `${user} `, user.toUpperCase(), encodeURIComponent(other), '%']) {
      assert.equal(await kindOf(header, { sub: [user] }), 'refused', header);
    }
  });

  it('refuses a query with no seats, with two, and with what is none', async () => {
    const { world, ann } = await setScene();
    const input = { userHeader: null, claims: { role: rolesOf(ann), sub: [userOf('ann')] } };
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

  it('counts as a request of the user: who comes too often is refused unseen, and others are let in', async () => {
    const policy = { name: 'user', burst: 3, perSecond: 1 };
    const { world: free, ann, bob } = await setScene();
    const world = { ...free, deps: { ...free.deps, rateLimiter: createTokenBucketLimiter(policy) } };
    const times = async (person: 'ann' | 'bob', count: number): Promise<string[]> => {
      const seat = seatOf(person === 'ann' ? ann : bob);
      const answers = Array.from({ length: count }, () => knock(world, person, [seat]));
      return (await Promise.all(answers)).map(({ kind }) => kind);
    };
    assert.deepEqual(await times('ann', 3), ['accepted', 'accepted', 'accepted']);
    const { metadata, ...rest } = world.deps;
    const unreachable = new Proxy(metadata, { get: () => assert.fail('a store was asked') });
    const lines = world.logged.length;
    const input = { userHeader: null, claims: { role: rolesOf(ann), sub: [userOf('ann')] } };
    const query = { seats: [encodeSeats([ann])] };
    const answer = await connect({ ...rest, metadata: unreachable }, { ...input, query });
    assert.deepEqual(answer, { kind: 'refused', why: 'too often' });
    assert.equal(world.logged.length, lines);
    assert.deepEqual(await times('bob', 1), ['accepted']);
    world.clock.ms += 1_000;
    assert.deepEqual(await times('ann', 2), ['accepted', 'refused']);
  });

  it('lets a viewer in', async () => {
    const { world, bob, ws } = await setScene();
    await clientOf(world, 'ann').putMember(ws, { userId: userOf('bob'), role: 'viewer' }, null);
    await letIn(world, 'bob', 'c', bob);
  });
});
