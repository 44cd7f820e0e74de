/** What a workspace may hold: refused above it, whole commits, and never in the way of who cleans up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { limits } from '../../shared/core/limits.ts';
import { tallyAfter } from '../../shared/core/tree/tally.ts';
import type { Quota } from '../../shared/ports/metadata-store.ts';
import { checkQuota } from '../../shared/services/tree-tally.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { getWorkspace } from '../../shared/services/get-workspace.ts';
import { must, mustFail } from '../api/world/calls.ts';
import {
  TestDevice,
  createWorkspaceAs,
  deleteOperation,
  mkdirOperation,
  putOperation,
  symlinkOperation,
} from '../api/world/test-device.ts';
import { type TestWorld, type TestWorldOptions, createTestWorld, userOf } from '../api/world/test-world.ts';

async function start(defaultQuota: Quota, more: TestWorldOptions = {}): Promise<{ world: TestWorld; ann: TestDevice }> {
  const world = createTestWorld({ ...more, adapt: (deps) => ({ ...deps, defaultQuota }) });
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  return { world, ann: await TestDevice.register(world, 'ann', workspaceId, 'laptop') };
}

async function shown({ world, ann }: { world: TestWorld; ann: TestDevice }): Promise<unknown> {
  const caller = { userId: userOf('ann'), scopes: new Set(['sync.read'] as const) };
  const { files, bytes, filesMax, bytesMax } = await getWorkspace(world.deps, { caller, workspaceId: ann.workspaceId });
  return { files, bytes, filesMax, bytesMax };
}

describe('a quota of files', () => {
  it('refuses the commit that goes over it, whole, and says how much it would be', async () => {
    const started = await start({ filesMax: 2, bytesMax: null });
    const { ann } = started;
    await ann.commit(putOperation({ node: 'a', name: 'a', text: '' }), mkdirOperation('d', 'd'));
    const two = [putOperation({ node: 'b', name: 'b', text: '' }), putOperation({ node: 'c', name: 'c', text: '' })];
    const problem = await mustFail(ann.send(ann.request(two)), 'quota-exceeded');
    assert.deepEqual([problem.status, problem['filesMax'], problem['files'], problem['bytes']], [507, 2, 3, 0]);
    assert.deepEqual([...(await ann.list()).keys()], ['a', 'd']);
    assert.deepEqual(await shown(started), { files: 1, bytes: 0, filesMax: 2, bytesMax: null });
  });

  it('counts neither folders nor links', async () => {
    const { ann } = await start({ filesMax: 1, bytesMax: 1 });
    const { outcomes } = await ann.commit(mkdirOperation('d', 'd'), symlinkOperation('l', 'l', 'target'));
    assert.ok(outcomes.every(({ status }) => status === 'applied'));
  });

  it('lets a commit that was refused go in, under its old key, once there is room', async () => {
    const { ann } = await start({ filesMax: 1, bytesMax: null });
    const made = await ann.commit(putOperation({ node: 'a', name: 'a', text: '' }));
    const request = ann.request([putOperation({ node: 'b', name: 'b', text: '' })]);
    await mustFail(ann.send(request, 'key'), 'quota-exceeded');
    await ann.commit(deleteOperation('a', made.outcomes[0]!.version));
    assert.equal((await must(ann.send(request, 'key'))).outcomes[0]?.status, 'applied');
  });
});

describe('a quota of bytes', () => {
  it('is about the sizes of what stands; a commit that shrinks or keeps passes, however full it is', async () => {
    const started = await start({ filesMax: null, bytesMax: 10 });
    const { world, ann } = started;
    const a = (await ann.commitPut({ node: 'a', name: 'a', text: '12345' })).outcomes[0]!;
    const b = (await ann.commitPut({ node: 'b', name: 'b', text: '12345' })).outcomes[0]!;
    assert.deepEqual(await shown(started), { files: 2, bytes: 10, filesMax: null, bytesMax: 10 });
    const { session } = await ann.upload(utf8('123456'));
    const longer = putOperation({ node: 'a', name: 'a', text: '123456', base: a.version, baseText: '12345' });
    const request = ann.request([longer], { sessions: [session.sessionId] });
    assert.equal((await mustFail(ann.send(request), 'quota-exceeded'))['bytesMax'], 10);
    const record = await world.deps.metadata.workspaces.get(ann.workspaceId);
    const quota = { filesMax: 1, bytesMax: 3 };
    await world.deps.metadata.workspaces.replace({ ...record!, quota, version: record!.version + 1 });
    const same = await ann.commitPut({ node: 'a', name: 'a', text: '54321', base: a.version, baseText: '12345' });
    assert.equal(same.outcomes[0]?.status, 'applied');
    const shorter = { node: 'a', name: 'a', text: '1', base: same.outcomes[0].version, baseText: '54321' };
    assert.equal((await ann.commitPut(shorter)).outcomes[0]?.status, 'applied');
    await ann.commit(deleteOperation('b', b.version));
    assert.deepEqual(await shown(started), { files: 1, bytes: 1, ...quota });
  });

  it('counts what a conflict becomes', async () => {
    const { ann } = await start({ filesMax: null, bytesMax: 10 });
    const { version } = (await ann.commitPut({ node: 'a', name: 'a', text: '12345' })).outcomes[0]!;
    await ann.commitPut({ node: 'a', name: 'a', text: '123456', base: version, baseText: '12345' });
    const { session } = await ann.upload(utf8('54321'));
    const stale = putOperation({ node: 'a', name: 'a', text: '54321', base: version, baseText: '12345' });
    const bob = await TestDevice.register(ann.world, 'ann', ann.workspaceId, 'phone');
    const request = bob.request([stale], { sessions: [session.sessionId] });
    assert.equal((await mustFail(bob.send(request), 'quota-exceeded'))['bytes'], 11);
  });
});

describe('the tally', () => {
  it('of a head that has none is counted from the whole tree, once', async () => {
    const metadata = createMemoryMetadataStore();
    let isOld = true;
    const { journal } = metadata;
    const old: typeof journal = {
      getHead: async (ws) => {
        const head = await journal.getHead(ws);
        return head === undefined || !isOld ? head : { ...head, tally: null };
      },
      append: (ws, commit) => journal.append(ws, commit),
      recordRequest: (ws, request) => journal.recordRequest(ws, request),
      getRequest: (ws, id) => journal.getRequest(ws, id),
      list: (ws, after, limit, bytes) => journal.list(ws, after, limit, bytes),
      sweepRequests: (now) => journal.sweepRequests(now),
    };
    const started = await start({ filesMax: null, bytesMax: 12 }, { metadata: { ...metadata, journal: old } });
    const { ann } = started;
    await ann.commitPut({ node: 'a', name: 'a', text: '12345' });
    await ann.commitPut({ node: 'b', name: 'b', text: '123456' });
    assert.deepEqual(await shown(started), { files: null, bytes: null, filesMax: null, bytesMax: 12 });
    const request = ann.request([putOperation({ node: 'e', name: 'e', text: '' })]);
    await must(ann.send(request));
    isOld = false;
    assert.deepEqual(await shown(started), { files: 3, bytes: 11, filesMax: null, bytesMax: 12 });
  });

  it('refuses growth alone, and never lets a sum leave what is exact', () => {
    const tally = fc.record({ files: fc.nat(100), bytes: fc.nat(1_000) });
    const bound = fc.option(fc.nat(1_000));
    fc.assert(
      fc.property(tally, tally, fc.record({ filesMax: bound, bytesMax: bound }), (before, now, quota) => {
        const isOver = (name: 'files' | 'bytes', max: number | null): boolean =>
          max !== null && now[name] > max && now[name] > before[name];
        const expected = isOver('files', quota.filesMax) || isOver('bytes', quota.bytesMax);
        assert.equal(isRefused(quota, before, now), expected);
      }),
    );
    const none = { filesMax: null, bytesMax: null };
    const full = { files: 1, bytes: limits.workspaceBytesMax };
    assert.equal(isRefused(none, { files: 0, bytes: 0 }, full), false);
    assert.equal(isRefused(none, full, { files: 2, bytes: full.bytes + limits.fileBytesMax }), true);
  });

  it('refuses bytes that are no entry', () => {
    const value = Uint8Array.of(1);
    assert.throws(() => tallyAfter({ files: 0, bytes: 0 }, [{ key: value, value }], [undefined]), {
      code: 'malformed',
    });
  });
});

function isRefused(...given: Parameters<typeof checkQuota>): boolean {
  try {
    checkQuota(...given);
    return false;
  } catch (error) {
    assert.ok(isTidemarkError(error, 'quota-exceeded'));
    return true;
  }
}
