import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRequestId } from '../../../shared/core/ids.ts';
import type { MetadataStore } from '../../../shared/ports/metadata-store.ts';
import type { PresenceStore } from '../../../shared/ports/presence-store.ts';
import { connected, disconnected } from '../../../shared/services/realtime/connected.ts';
import { withAnnouncements, withRestoreAnnouncements } from '../../../shared/services/realtime/with-announcements.ts';
import { must, mustFail } from '../../api/world/calls.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { mkdirOperation } from '../../api/world/test-device.ts';
import { userOf } from '../../api/world/test-world.ts';
import { letIn, setScene } from './scene.ts';

describe('a commit', () => {
  const announcing = () =>
    setScene((deps) => ({
      ...deps,
      commit: withAnnouncements(deps.commit, deps.announcer),
      restore: withRestoreAnnouncements(deps.restore, deps.announcer),
    }));

  it('is announced when it is answered, again with each replay, and not when it was refused', async () => {
    const { told, ann, ws } = await announcing();
    const request = ann.request([mkdirOperation('a', 'a')]);
    const { head } = await must(ann.send(request, 'one'));
    const event = { kind: 'commit', workspaceId: ws, seq: 1, root: head!.root, deviceId: ann.deviceId } as const;
    assert.deepEqual(told.events, [event]);
    await must(ann.send(request, 'one'));
    assert.deepEqual(told.events, [event, event]);
    await mustFail(ann.send(ann.request([mkdirOperation('b', 'b')]), 'one'), 'idempotency-key-reused');
    assert.equal(told.events.length, 2);
  });

  it('that is a restore is announced too', async () => {
    const { world, told, ann, ws } = await announcing();
    await ann.commit(mkdirOperation('a', 'a'));
    await ann.commit(mkdirOperation('b', 'b'));
    const request = { deviceId: ann.deviceId, seq: 1, timeMs: null, nodeId: null, path: null };
    const { head } = await clientOf(world, 'ann').restore(ws, request, parseRequestId('ab'.repeat(16)));
    assert.deepEqual(told.events.at(-1), {
      kind: 'commit',
      workspaceId: ws,
      seq: 3,
      root: head!.root,
      deviceId: ann.deviceId,
    });
  });
});

describe('who goes', () => {
  it('is cut off after the change is stored: a member, a device, all of a workspace', async () => {
    const stored: boolean[] = [];
    const scene = await setScene((deps) => {
      const { announcer, metadata } = deps;
      return {
        ...deps,
        announcer: {
          ...announcer,
          expelUser: async (userId) => {
            const [workspace] = await metadata.workspaces.listOfMember(userOf('ann'));
            const devices = await metadata.devices.listOfUser(userId);
            const isGone = workspace?.members.every((member) => member.userId !== userId);
            stored.push(isGone === true || devices.some(({ revokedMs }) => revokedMs !== null));
            await announcer.expelUser(userId);
          },
          expelAll: async (workspaceId) => {
            stored.push((await metadata.workspaces.get(workspaceId))?.deletedMs !== null);
            await announcer.expelAll(workspaceId);
          },
        },
      };
    });
    const { world, told, ws, ann, bob } = scene;
    const anns = clientOf(world, 'ann');
    await connected(world.deps, await letIn(world, 'bob', 'c', bob));
    await anns.removeMember(ws, userOf('bob'), null);
    await anns.revokeDevice(ann.deviceId);
    await anns.deleteWorkspace(ws, null);
    assert.deepEqual(told.expelled, [`user ${userOf('bob')}`, `user ${userOf('ann')}`, `all ${ws}`]);
    assert.deepEqual(stored, [true, true, true]);
  });

  it('is cut off by a repeat too, until they are known to have left', async () => {
    const { world, told, ws, bob } = await setScene();
    const anns = clientOf(world, 'ann');
    const connection = await letIn(world, 'bob', 'c', bob);
    await connected(world.deps, connection);
    for (let i = 0; i < 2; i++) await anns.removeMember(ws, userOf('bob'), null);
    assert.deepEqual(told.expelled, [`user ${userOf('bob')}`, `user ${userOf('bob')}`]);
    await disconnected(world.deps, connection);
    await anns.removeMember(ws, userOf('bob'), null);
    assert.equal(told.expelled.length, 2);
  });

  it('is cut off also when a newer connection of the device has hidden the one that listens', async () => {
    const { world, told, ws, bob } = await setScene();
    const listening = await letIn(world, 'bob', 'listening', bob);
    await connected(world.deps, listening);
    world.clock.ms++;
    const newer = await letIn(world, 'bob', 'newer', bob);
    await connected(world.deps, newer);
    await disconnected(world.deps, newer);
    await clientOf(world, 'ann').removeMember(ws, userOf('bob'), null);
    assert.deepEqual(told.expelled, [`user ${userOf('bob')}`]);
  });

  it('is cut off also when they are removed while their connection begins', async () => {
    let meanwhile = async (): Promise<unknown> => undefined;
    const { world, told, ws, bob } = await setScene((deps) => {
      const { presence } = deps.metadata;
      const slow: PresenceStore = {
        list: (...given) => presence.list(...given),
        get: (...given) => presence.get(...given),
        put: async (record) => {
          await meanwhile();
          await presence.put(record);
        },
        sweep: (nowMs) => presence.sweep(nowMs),
      };
      const purgeWorkspace: MetadataStore['purgeWorkspace'] = (...given) => deps.metadata.purgeWorkspace(...given);
      return { ...deps, metadata: { ...deps.metadata, purgeWorkspace, presence: slow } };
    });
    const connection = await letIn(world, 'bob', 'c', bob);
    meanwhile = () => clientOf(world, 'ann').removeMember(ws, userOf('bob'), null);
    await connected(world.deps, connection);
    assert.deepEqual(told.expelled, ['connection c']);
  });

  it('was there: nobody ends the connections of others by taking them in and out again', async () => {
    const { world, told, bob, eve } = await setScene();
    await connected(world.deps, await letIn(world, 'bob', 'c', bob));
    const eves = clientOf(world, 'eve');
    await eves.removeMember(eve.workspaceId, userOf('bob'), null);
    for (let i = 0; i < 2; i++) {
      await eves.putMember(eve.workspaceId, { userId: userOf('bob'), role: 'viewer' }, null);
      await eves.removeMember(eve.workspaceId, userOf('bob'), null);
    }
    assert.deepEqual(told.expelled, []);
  });

  it('goes though nobody can say who was heard of', async () => {
    const { world, told, ws } = await setScene((deps) => {
      const list: PresenceStore['list'] = () => Promise.reject(new Error('the store is away'));
      const { presence } = deps.metadata;
      const failing: PresenceStore = {
        list,
        get: (...given) => presence.get(...given),
        put: (record) => presence.put(record),
        sweep: (nowMs) => presence.sweep(nowMs),
      };
      const purgeWorkspace: MetadataStore['purgeWorkspace'] = (...given) => deps.metadata.purgeWorkspace(...given);
      return { ...deps, metadata: { ...deps.metadata, purgeWorkspace, presence: failing } };
    });
    const anns = clientOf(world, 'ann');
    assert.equal((await anns.removeMember(ws, userOf('eve'), null)).members.length, 2);
    assert.deepEqual(told.expelled, []);
    assert.equal((await anns.removeMember(ws, userOf('bob'), null)).members.length, 1);
    assert.deepEqual(told.expelled, [`user ${userOf('bob')}`], 'who was a member is cut off to be sure');
  });
});
