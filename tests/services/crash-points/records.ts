/** Crashes of what changes records of workspaces and devices, and of what looks after the stores. */
import assert from 'node:assert/strict';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { digestsToColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { deviceView, registerDeviceRequest } from '../../../shared/core/wire/device.ts';
import {
  createWorkspaceRequest,
  memberList,
  patchWorkspaceRequest,
  putMemberRequest,
  workspaceView,
} from '../../../shared/core/wire/workspace.ts';
import { containers } from '../../../shared/ports/blob-store.ts';
import { rebuildIndexStep } from '../../../shared/services/admin/rebuild-index.ts';
import { setQuota } from '../../../shared/services/admin/set-quota.ts';
import { listIncidents } from '../../../shared/services/feed/incidents.ts';
import { repairIndexes, withIndexRepair } from '../../../shared/services/feed/index-repair.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { getPackRecord } from '../../../shared/services/pack-record.ts';
import { purgeWorkspaces } from '../../../shared/services/purge-workspaces.ts';
import { tailChangeFeed } from '../../../shared/services/tail-change-feed.ts';
import { verifyPack } from '../../../shared/services/verify-pack.ts';
import { mustFail } from '../../api/world/calls.ts';
import { TestDevice, createWorkspaceAs, idBytesOf, mkdirOperation, putOperation } from '../../api/world/test-device.ts';
import { userOf } from '../../api/world/test-world.ts';
import { type CrashCase, crashCase } from './enumerate.ts';
import { ask, keptText, listed, namesIn, packOf, seqsOf, start } from './start.ts';

const newWorkspace = {
  token: idBytesOf('another'),
  name: 'Another',
  mode: 'personal',
  policy: 'copy',
  region: '',
  sha256: null,
} as const;

const create = crashCase({
  name: 'creating a workspace',
  steps: ['workspaces.create'],
  sameAnswer: false,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'POST', '/workspaces', workspaceView, [createWorkspaceRequest, newWorkspace]),
      check: async (view) => {
        const created = new TestDevice(world, 'ann', view.workspaceId, ann.deviceId);
        await created.commit(mkdirOperation('first', 'first'));
        assert.deepEqual(await seqsOf(world, view.workspaceId), [1]);
        assert.equal((await world.deps.metadata.workspaces.listOfMember(userOf('ann'))).length, 2);
      },
    };
  },
});

const register = crashCase({
  name: 'registering a device',
  steps: ['devices.register'],
  sameAnswer: true,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const request = { token: idBytesOf('new device'), name: 'new' };
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'POST', '/devices', deviceView, [registerDeviceRequest, request]),
      check: async () => {
        assert.equal((await world.deps.metadata.devices.listOfUser(userOf('ann'))).length, 2);
      },
    };
  },
});

const revoke = crashCase({
  name: 'revoking a device',
  steps: ['devices.revoke'],
  sameAnswer: true,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const lost = await TestDevice.register(world, 'ann', workspaceId, 'lost');
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'DELETE', `/devices/${lost.deviceId}`, deviceView),
      check: async () => {
        await mustFail(lost.send(lost.request([mkdirOperation('x', 'x')])), 'revoked');
        assert.deepEqual(await seqsOf(world, workspaceId), [1]);
      },
    };
  },
});

const addMember = crashCase({
  name: 'adding a member',
  steps: ['workspaces.replace'],
  sameAnswer: true,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const path = `/workspaces/${workspaceId}/members/${encodeURIComponent(userOf('bob'))}`;
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'PUT', path, memberList, [putMemberRequest, { role: 'editor' }]),
      check: async ({ members, version }) => {
        assert.deepEqual([members.length, version], [2, 2]);
        const bob = await TestDevice.register(world, 'bob', workspaceId, 'desk');
        assert.ok((await bob.list()).has('kept.txt'));
      },
    };
  },
});

const removeMember = crashCase({
  name: 'removing a member',
  steps: ['workspaces.replace'],
  sameAnswer: true,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const path = `/workspaces/${workspaceId}/members/${encodeURIComponent(userOf('bob'))}`;
    await ask(world, 'PUT', path, memberList, [putMemberRequest, { role: 'editor' }]);
    const bob = await TestDevice.register(world, 'bob', workspaceId, 'desk');
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'DELETE', path, memberList),
      check: async ({ members, version }) => {
        assert.deepEqual([members.length, version], [1, 3]);
        await mustFail(bob.changes(), 'not-found');
      },
    };
  },
});

const rename = crashCase({
  name: 'changing a workspace',
  steps: ['workspaces.replace'],
  sameAnswer: true,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const request = { name: 'Renamed', mode: 'shared', policy: 'latest', deleted: null } as const;
    return {
      world,
      workspaces: [workspaceId],
      run: (process) =>
        ask(process, 'PATCH', `/workspaces/${workspaceId}`, workspaceView, [patchWorkspaceRequest, request]),
      check: async ({ name, mode, policy, version }) => {
        assert.deepEqual([name, mode, policy, version], ['Renamed', 'shared', 'latest', 2]);
      },
    };
  },
});

const remove = crashCase({
  name: 'deleting a workspace',
  steps: ['workspaces.replace'],
  sameAnswer: true,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'DELETE', `/workspaces/${workspaceId}`, workspaceView),
      check: async ({ deletedMs, version }) => {
        assert.ok(deletedMs !== null);
        assert.equal(version, 2);
        await mustFail(ann.changes(), 'not-found');
      },
    };
  },
});

const quota = crashCase({
  name: 'setting a quota',
  steps: ['workspaces.replace'],
  sameAnswer: true,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => setQuota(deps, { workspaceId, quota: { filesMax: 1, bytesMax: null } }),
      check: async () => {
        const second = putOperation({ node: 'second', name: 'second', text: '' });
        await mustFail(ann.send(ann.request([second])), 'quota-exceeded');
        assert.equal((await world.deps.metadata.workspaces.get(workspaceId))?.quota.filesMax, 1);
      },
    };
  },
});

const purge = crashCase({
  name: 'purging a workspace',
  steps: ['workspaces.replace', 'blobs.deleteMany', 'metadata.purgeWorkspace'],
  sameAnswer: false,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    const doomed = (await createWorkspaceAs(world, 'ann', { token: 'doomed' })).workspaceId;
    const there = new TestDevice(world, 'ann', doomed, ann.deviceId);
    await there.commitPut({ node: 'one', name: 'one', text: 'one' });
    const name = packBlobName(doomed, packOf('bad').packId);
    await world.blobs.put('chunks', name, utf8('bad'));
    await world.blobs.moveIfMatch('chunks', name, (await world.blobs.head('chunks', name))!.etag, 'quarantine');
    await ask(world, 'DELETE', `/workspaces/${doomed}`, workspaceView);
    world.clock.ms += limits.deletedWorkspaceSeconds * 1_000 + 1;
    const bounds = { page: 1, blobBatch: 1, rows: 4, steps: 1_000 };
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => purgeWorkspaces(deps, bounds),
      check: async () => {
        for (const container of containers) assert.deepEqual(await namesIn(world, container, `${doomed}/`), []);
        const { metadata } = world.deps;
        assert.equal(await metadata.workspaces.get(doomed), undefined);
        assert.equal(await metadata.journal.getHead(doomed), undefined);
        assert.deepEqual(await listed(ann), { 'kept.txt': blake3Digest(utf8(keptText)) });
      },
    };
  },
});

/** Of a pack whose event was lost, one of bad bytes, one that was deleted by hand, and one that has a chunk of that. */
const feed = crashCase({
  name: 'a step of the change feed',
  steps: [
    'leases.acquire',
    'leases.save',
    'leases.release',
    'chunks.record',
    'chunks.forgetPack',
    'quarantine.record',
    'queue.send',
    'blobs.moveIfMatch',
    'blobs.put',
  ],
  sameAnswer: false,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const [told, bad, lost, shared] = [packOf('told'), packOf('bad'), packOf('lost', 'both'), packOf('both', 'more')];
    const put = (id: typeof told.packId, bytes: Uint8Array) =>
      world.blobs.put('chunks', packBlobName(workspaceId, id), bytes);
    let runs = 0;
    const tail = (deps: typeof world.deps) => {
      world.clock.ms += 10_000;
      return tailChangeFeed(deps, { owner: `worker ${runs++}`, deadlineMs: world.clock.ms + 1_000 });
    };
    await put(lost.packId, lost.bytes);
    await tail(world.deps);
    for (const { packId, bytes } of [told, shared]) await put(packId, bytes);
    await put(bad.packId, utf8('bad bytes'));
    await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, lost.packId)]);
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => tail(deps),
      after: async () => {
        await repairIndexes(world.deps, { owner: 'repair', deadlineMs: world.clock.ms + 1_000 });
      },
      check: async () => {
        for (const { packId } of [told, shared]) assert.ok(await getPackRecord(world.deps, workspaceId, packId));
        for (const { packId } of [bad, lost])
          assert.equal(await getPackRecord(world.deps, workspaceId, packId), undefined);
        const wanted = digestsToColumn(['told', 'both', 'more'].map((text) => blake3Digest(utf8(text))));
        const places = await world.deps.metadata.chunks.lookUp(workspaceId, wanted);
        assert.ok(places.every((place) => place !== undefined));
        assert.equal((await listIncidents(world.deps, workspaceId, null, 10)).length, 1);
      },
    };
  },
});

/** A pack that lies in storage and is in no index, and one that is in the index and not in storage. */
const rebuild = crashCase({
  name: 'rebuilding an index',
  steps: ['chunks.record', 'chunks.forgetPack'],
  sameAnswer: false,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    const { chunks } = world.deps.metadata;
    const [kept, lost] = [packOf(keptText).packId, packOf('lost').packId];
    await ann.upload(utf8('lost'));
    await verifyPack(world.deps, { workspaceId, packId: lost });
    await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, lost)]);
    await chunks.forgetPack(workspaceId, kept);
    const input = { workspaceId, cursor: null, packs: 100, trustRecords: false };
    return {
      world,
      workspaces: [workspaceId],
      run: async ({ deps }) => {
        let step = await rebuildIndexStep(deps, input);
        while (step.cursor !== null) step = await rebuildIndexStep(deps, { ...input, cursor: step.cursor });
      },
      check: async () => {
        assert.ok(await getPackRecord(world.deps, workspaceId, kept));
        assert.equal(await getPackRecord(world.deps, workspaceId, lost), undefined);
        assert.deepEqual(await listed(ann), { 'kept.txt': blake3Digest(utf8(keptText)) });
      },
    };
  },
});

/** What a forgotten pack leaves to do: the index of its workspace is gone through. */
const repair = crashCase({
  name: 'repairing an index',
  steps: ['leases.acquire', 'leases.save', 'leases.release', 'chunks.record'],
  sameAnswer: false,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    const kept = packOf(keptText).packId;
    await withIndexRepair(world.deps, workspaceId, () => world.deps.metadata.chunks.forgetPack(workspaceId, kept));
    let runs = 0;
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => repairIndexes(deps, { owner: `worker ${runs++}`, deadlineMs: Number.MAX_SAFE_INTEGER }),
      check: async () => {
        assert.ok(await getPackRecord(world.deps, workspaceId, kept));
        assert.deepEqual(await listed(ann), { 'kept.txt': blake3Digest(utf8(keptText)) });
      },
    };
  },
});

export const recordCases: readonly CrashCase[] = [
  create,
  register,
  revoke,
  addMember,
  removeMember,
  rename,
  remove,
  quota,
  purge,
  feed,
  rebuild,
  repair,
];
