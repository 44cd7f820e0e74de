/** Who is in a workspace: owners say so, everyone may leave, and there is always an owner. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type UserId, type WorkspaceId, parseUserId, parseWorkspaceId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { memberList, putMemberRequest, workspaceList } from '../../shared/core/wire/workspace.ts';
import { call, must, mustFail } from './world/calls.ts';
import { clientOf } from './world/test-client.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation } from './world/test-device.ts';
import { type TestWorld, createTestWorld, userOf } from './world/test-world.ts';

async function start(): Promise<{ world: TestWorld; ws: WorkspaceId }> {
  const world = createTestWorld();
  const { workspaceId: ws } = await createWorkspaceAs(world, 'ann');
  return { world, ws };
}

describe('members', () => {
  it('come and go by the owner, and have at once what their role allows', async () => {
    const { world, ws } = await start();
    const [ann, bob] = [clientOf(world, 'ann'), clientOf(world, 'bob')];
    await assert.rejects(bob.getWorkspace(ws), { code: 'not-found' });
    const added = await ann.putMember(ws, { userId: userOf('bob'), role: 'editor' }, 1);
    assert.deepEqual(added, {
      version: 2,
      members: [
        { userId: userOf('ann'), role: 'owner' },
        { userId: userOf('bob'), role: 'editor' },
      ],
    });
    const phone = await TestDevice.register(world, 'bob', ws, 'phone');
    await phone.commit(mkdirOperation('a', 'a'));
    await ann.putMember(ws, { userId: userOf('bob'), role: 'viewer' }, null);
    await mustFail(phone.send(phone.request([])), 'forbidden');
    assert.equal((await bob.listMembers(ws)).version, 3);
    await ann.removeMember(ws, userOf('bob'), 3);
    for (const refused of [bob.listMembers(ws), bob.getWorkspace(ws), bob.changes(ws, 0)]) {
      await assert.rejects(refused, { code: 'not-found' });
    }
    assert.deepEqual(await bob.listWorkspaces(), []);
    assert.equal((await ann.listTree(ws, '', null)).items.length, 1, 'what bob made stays');
  });

  it('are changed once, however often it is asked, and not on another version', async () => {
    const { world, ws } = await start();
    const ann = clientOf(world, 'ann');
    const member = { userId: userOf('bob'), role: 'viewer' } as const;
    const added = await ann.putMember(ws, member, 1);
    assert.deepEqual(await ann.putMember(ws, member, 1), added, 'as after a lost answer');
    await assert.rejects(ann.putMember(ws, { ...member, role: 'editor' }, 1), { code: 'precondition-failed' });
    await assert.rejects(ann.removeMember(ws, userOf('bob'), 1), { code: 'precondition-failed' });
    const removed = await ann.removeMember(ws, userOf('bob'), 2);
    assert.deepEqual(await ann.removeMember(ws, userOf('bob'), 2), removed);
    assert.equal(removed.version, 3);
  });

  it('are told with the ETag of the record, by which they are changed; without If-Match too', async () => {
    const { world, ws } = await start();
    const path = `/workspaces/${ws}/members`;
    const read = await call(world.api, { token: 'ann', path, response: memberList });
    const etag = read.response.headers.get('etag')!;
    assert.match(etag, /^"1-/);
    const put = (role: 'editor' | 'viewer', headers: Readonly<Record<string, string>>) =>
      call(world.api, {
        token: 'ann',
        method: 'PUT',
        path: `${path}/${encodeURIComponent(userOf('bob'))}`,
        request: [putMemberRequest, { role }],
        response: memberList,
        headers,
      });
    assert.equal((await must(put('editor', { 'if-match': etag }))).version, 2);
    await mustFail(put('viewer', { 'if-match': etag }), 'precondition-failed');
    assert.equal((await must(put('viewer', {}))).version, 3);
  });

  it('are the business of owners; everyone in it sees them', async () => {
    const { world, ws } = await start();
    const ann = clientOf(world, 'ann');
    await ann.putMember(ws, { userId: userOf('bob'), role: 'editor' }, null);
    await ann.putMember(ws, { userId: userOf('reader'), role: 'viewer' }, null);
    const eve = { userId: userOf('eve'), role: 'owner' } as const;
    for (const person of ['bob', 'reader'] as const) {
      const client = clientOf(world, person);
      assert.equal((await client.listMembers(ws)).members.length, 3);
      await assert.rejects(client.putMember(ws, eve, null), { code: 'forbidden' });
      await assert.rejects(client.putMember(ws, { userId: userOf(person), role: 'owner' }, null), {
        code: 'forbidden',
      });
      await assert.rejects(client.removeMember(ws, userOf('ann'), null), { code: 'forbidden' });
    }
    const stranger = clientOf(world, 'eve');
    for (const refused of [
      stranger.listMembers(ws),
      stranger.putMember(ws, eve, null),
      stranger.removeMember(ws, userOf('ann'), null),
      stranger.removeMember(ws, userOf('eve'), null),
    ]) {
      await assert.rejects(refused, { code: 'not-found' });
    }
  });

  it('may leave, whatever their role', async () => {
    const { world, ws } = await start();
    const [ann, bob] = [clientOf(world, 'ann'), clientOf(world, 'bob')];
    for (const role of ['viewer', 'editor', 'owner'] as const) {
      await ann.putMember(ws, { userId: userOf('bob'), role }, null);
      assert.deepEqual((await bob.removeMember(ws, userOf('bob'), null)).members, [
        { userId: userOf('ann'), role: 'owner' },
      ]);
      await assert.rejects(bob.removeMember(ws, userOf('bob'), null), { code: 'not-found' });
    }
  });

  it('leave by a token that may write', async () => {
    const { world, ws } = await start();
    await clientOf(world, 'ann').putMember(ws, { userId: userOf('reader'), role: 'viewer' }, null);
    const leaving = clientOf(world, 'reader').removeMember(ws, userOf('reader'), null);
    await assert.rejects(leaving, { code: 'forbidden' });
  });

  it('keep an owner: the last one neither goes nor becomes less', async () => {
    const { world, ws } = await start();
    const [ann, bob] = [clientOf(world, 'ann'), clientOf(world, 'bob')];
    const lessen = (): Promise<unknown> => ann.putMember(ws, { userId: userOf('ann'), role: 'editor' }, null);
    await assert.rejects(ann.removeMember(ws, userOf('ann'), null), {
      code: 'conflict',
      message: /somebody else an owner/,
    });
    await assert.rejects(lessen(), { code: 'conflict' });
    await ann.putMember(ws, { userId: userOf('bob'), role: 'owner' }, null);
    await lessen();
    await assert.rejects(bob.removeMember(ws, userOf('bob'), null), { code: 'conflict' });
    await bob.removeMember(ws, userOf('ann'), null);
    assert.deepEqual((await bob.listMembers(ws)).members, [{ userId: userOf('bob'), role: 'owner' }]);
  });

  it('of two owners who both leave at once, one stays', async () => {
    const { world, ws } = await start();
    const [ann, bob] = [clientOf(world, 'ann'), clientOf(world, 'bob')];
    await ann.putMember(ws, { userId: userOf('bob'), role: 'owner' }, null);
    const both = await Promise.allSettled([
      ann.removeMember(ws, userOf('ann'), null),
      bob.removeMember(ws, userOf('bob'), null),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const record = await world.deps.metadata.workspaces.get(ws);
    assert.deepEqual(
      record?.members.map(({ role }) => role),
      ['owner'],
    );
  });

  it('are at most so many, and may be called what an issuer calls them', async () => {
    const { world, ws } = await start();
    const ann = clientOf(world, 'ann');
    const record = (await world.deps.metadata.workspaces.get(ws))!;
    const many = Array.from({ length: limits.workspaceMembersMax - 2 }, (_, i) => parseUserId(`many|${i}`));
    const members = [...record.members, ...many.map((userId) => ({ userId, role: 'viewer' as const }))];
    await world.deps.metadata.workspaces.replace({ ...record, members, version: record.version + 1 });
    const odd: UserId = parseUserId('login.example|a/b %7C?#é🌊');
    const last = await ann.putMember(ws, { userId: odd, role: 'viewer' }, null);
    assert.deepEqual(last.members.at(-1), { userId: odd, role: 'viewer' });
    const over = ann.putMember(ws, { userId: userOf('bob'), role: 'viewer' }, null);
    await assert.rejects(over, { code: 'too-large', message: /at most 1000 members/ });
    await ann.putMember(ws, { userId: odd, role: 'editor' }, null);
    assert.equal((await ann.removeMember(ws, odd, null)).members.length, limits.workspaceMembersMax - 1);
  });

  it('of more workspaces than one answer tells are told of the oldest: nobody is kept from them by being taken into others', async () => {
    const world = createTestWorld();
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const { workspaces, journal } = world.deps.metadata;
    const [own, head] = [await workspaces.get(workspaceId), await journal.getHead(workspaceId)];
    for (let i = 0; i < limits.workspacesListedMax; i++) {
      const id = parseWorkspaceId(i.toString(16).padStart(32, '0'));
      await workspaces.create({ ...own!, workspaceId: id, createdMs: own!.createdMs + 1 + i }, head!);
    }
    const { workspaces: told } = await must(
      call(world.api, { token: 'ann', method: 'GET', path: '/workspaces', response: workspaceList }),
    );
    assert.deepEqual([told.length, told[0]?.workspaceId], [limits.workspacesListedMax, workspaceId]);
  });

  it('have ids that are refused when they are none', async () => {
    const { world, ws } = await start();
    for (const id of ['%', '%ff', 'x'.repeat(257)]) {
      const path = `/workspaces/${ws}/members/${id}`;
      await mustFail(call(world.api, { token: 'ann', method: 'DELETE', path, response: memberList }), 'malformed');
    }
  });
});
