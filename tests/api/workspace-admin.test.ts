/** Changing, deleting and bringing back workspaces: who may, on which version, and what everybody sees afterwards. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { type WorkspaceView, patchWorkspaceRequest, workspaceView } from '../../shared/core/wire/workspace.ts';
import type { WorkspaceStore } from '../../shared/ports/metadata-store.ts';
import { type Reply, call, must, mustFail } from './world/calls.ts';
import { clientOf } from './world/test-client.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, symlinkOperation } from './world/test-device.ts';
import { type Person, type TestWorld, type TestWorldOptions, createTestWorld, userOf } from './world/test-world.ts';

/** A workspace with ann as owner, bob as editor and reader as viewer. */
async function start(options: TestWorldOptions = {}): Promise<{ world: TestWorld; ws: WorkspaceId; version: number }> {
  const world = createTestWorld(options);
  const { workspaceId: ws } = await createWorkspaceAs(world, 'ann');
  const ann = clientOf(world, 'ann');
  await ann.putMember(ws, { userId: userOf('bob'), role: 'editor' }, null);
  const { version } = await ann.putMember(ws, { userId: userOf('reader'), role: 'viewer' }, null);
  return { world, ws, version };
}

type Patch = Parameters<(typeof patchWorkspaceRequest)['toWire']>[0];
const nothing: Patch = { name: null, mode: null, policy: null, deleted: null };

function patch(world: TestWorld, token: string, ws: string, change: Partial<Patch>, ifMatch?: string) {
  return call(world.api, {
    token,
    method: 'PATCH',
    path: `/workspaces/${ws}`,
    request: [patchWorkspaceRequest, { ...nothing, ...change }],
    response: workspaceView,
    ...(ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } }),
  });
}

function remove(world: TestWorld, token: string, ws: string, ifMatch?: string): Promise<Reply<WorkspaceView>> {
  const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch };
  return call(world.api, { token, method: 'DELETE', path: `/workspaces/${ws}`, response: workspaceView, headers });
}

function get(world: TestWorld, token: string, ws: string): Promise<Reply<WorkspaceView>> {
  return call(world.api, { token, path: `/workspaces/${ws}`, response: workspaceView });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    assert.ok(isTidemarkError(error));
    return error.code;
  }
}

describe('PATCH of a workspace', () => {
  it('changes what is given and keeps the rest, for the version that was read', async () => {
    const { world, ws } = await start();
    const read = await get(world, 'ann', ws);
    const etag = read.response.headers.get('etag')!;
    assert.match(etag, /^"3-0-/);
    const changed = await patch(world, 'ann', ws, { name: 'Reports', policy: 'latest' }, etag);
    assert.ok(read.ok && changed.ok);
    assert.deepEqual(changed.value, { ...read.value, name: 'Reports', policy: 'latest', version: 4 });
    assert.match(changed.response.headers.get('etag')!, /^"4-0-/);
    assert.deepEqual(await must(get(world, 'bob', ws)), { ...changed.value, role: 'editor' });
  });

  it('needs If-Match; another version is refused, any is taken with *, and a tag of none of ours is no match', async () => {
    const { world, ws } = await start();
    assert.equal((await mustFail(patch(world, 'ann', ws, { name: 'x' }), 'precondition-required')).status, 428);
    const stale = await mustFail(patch(world, 'ann', ws, { name: 'x' }, '"2-0-json"'), 'precondition-failed');
    assert.deepEqual([stale.status, stale['version']], [412, 3]);
    for (const tag of ['W/"3-0-json"', '"other"']) {
      await mustFail(patch(world, 'ann', ws, { name: 'x' }, tag), 'precondition-failed');
    }
    assert.equal((await must(patch(world, 'ann', ws, { name: 'x' }, '*'))).version, 4);
    assert.equal((await must(patch(world, 'ann', ws, { name: 'y' }, '"4"'))).version, 5, 'the version alone will do');
  });

  it('that was made already is answered again: its answer may have been lost', async () => {
    const { world, ws } = await start();
    const first = await must(patch(world, 'ann', ws, { name: 'x' }, '"3"'));
    assert.deepEqual(await must(patch(world, 'ann', ws, { name: 'x' }, '"3"')), first);
  });

  it('is for owners, by a token that may write', async () => {
    const { world, ws } = await start();
    assert.equal((await mustFail(patch(world, 'bob', ws, { name: 'x' }, '*'), 'forbidden'))['role'], 'editor');
    assert.equal((await mustFail(patch(world, 'reader', ws, { name: 'x' }, '*'), 'forbidden'))['scope'], 'sync.write');
    await clientOf(world, 'ann').putMember(ws, { userId: userOf('bob'), role: 'viewer' }, null);
    assert.equal((await mustFail(patch(world, 'bob', ws, { name: 'x' }, '*'), 'forbidden'))['role'], 'viewer');
    const strange = await mustFail(patch(world, 'eve', ws, { name: 'x' }, '*'), 'not-found');
    const absent = await mustFail(patch(world, 'eve', '9'.repeat(32), { name: 'x' }, '*'), 'not-found');
    assert.equal(strange.detail, absent.detail);
  });

  it('refuses what is no name, and a delete by this way', async () => {
    const { world, ws } = await start();
    for (const name of ['', ' ', 'a\u0007']) await mustFail(patch(world, 'ann', ws, { name }, '*'), 'malformed');
    assert.match((await mustFail(patch(world, 'ann', ws, { deleted: true }, '*'), 'malformed')).detail, /DELETE/);
  });

  it('changes by what rules the next commit is taken', async () => {
    const { world, ws } = await start();
    const one = await TestDevice.register(world, 'ann', ws, 'laptop');
    const two = await TestDevice.register(world, 'bob', ws, 'phone');
    await one.commit(mkdirOperation('a', 'a'));
    const named = (node: string) => two.request([symlinkOperation(node, 'a', 'target')]);
    assert.equal((await must(two.send(named('first')))).outcomes[0]?.status, 'renamed');
    await must(patch(world, 'ann', ws, { mode: 'shared' }, '*'));
    await mustFail(two.send(named('second')), 'stale-base');
  });
});

describe('a lost race', () => {
  /** Another change comes between the first look of a change and its replacement, `times` times. */
  function withRival(times: number): { readonly options: TestWorldOptions; arm(): void; readonly replaced: string[] } {
    const metadata = createMemoryMetadataStore();
    const { workspaces } = metadata;
    let left = 0;
    const replaced: string[] = [];
    const racing: WorkspaceStore = {
      create: (workspace, head) => workspaces.create(workspace, head),
      get: (id) => workspaces.get(id),
      listOfMember: (userId) => workspaces.listOfMember(userId),
      listAll: (after, limit) => workspaces.listAll(after, limit),
      replace: async (workspace) => {
        const now = await workspaces.get(workspace.workspaceId);
        if (left-- > 0) await workspaces.replace({ ...now!, policy: 'merge', version: now!.version + 1 });
        const result = await workspaces.replace(workspace);
        replaced.push(result);
        return result;
      },
    };
    return { options: { metadata: { ...metadata, workspaces: racing } }, arm: () => (left = times), replaced };
  }

  it('is done again on the new record when any version will do, and keeps what the other changed', async () => {
    const rival = withRival(1);
    const { world, ws } = await start(rival.options);
    rival.arm();
    const changed = await clientOf(world, 'ann').patchWorkspace(ws, { name: 'x' }, null);
    assert.deepEqual([changed.name, changed.policy, changed.version], ['x', 'merge', 5]);
    assert.deepEqual(rival.replaced.slice(-2), ['changed', 'replaced']);
  });

  it('ends when a version was asked for', async () => {
    const rival = withRival(1);
    const { world, ws, version } = await start(rival.options);
    rival.arm();
    const failed = clientOf(world, 'ann').patchWorkspace(ws, { name: 'x' }, version);
    await assert.rejects(failed, { code: 'precondition-failed' });
    assert.equal((await must(get(world, 'ann', ws))).name, 'Papers');
  });

  it('that never ends is answered busy', async () => {
    const rival = withRival(100);
    const { world, ws } = await start(rival.options);
    rival.arm();
    await assert.rejects(clientOf(world, 'ann').patchWorkspace(ws, { name: 'x' }, null), { code: 'busy' });
    assert.equal(rival.replaced.slice(2).length, limits.workspaceAttemptsMax);
  });
});

describe('a deleted workspace', () => {
  it('is there for nobody but its owners, who see when it was deleted', async () => {
    const { world, ws, version } = await start();
    const device = await TestDevice.register(world, 'ann', ws, 'laptop');
    await device.commit(mkdirOperation('a', 'a'));
    const deleted = await clientOf(world, 'ann').deleteWorkspace(ws, version);
    assert.deepEqual([deleted.deletedMs, deleted.version], [world.clock.ms, version + 1]);
    assert.deepEqual(await must(get(world, 'ann', ws)), deleted);
    for (const token of ['bob', 'reader', 'eve']) await mustFail(get(world, token, ws), 'not-found');
    await mustFail(device.changes(), 'not-found');
    await mustFail(device.send(device.request([])), 'not-found');
    await mustFail(device.openSession([]), 'not-found');
    await mustFail(patch(world, 'ann', ws, { name: 'x' }, '*'), 'not-found');
    const ann = clientOf(world, 'ann');
    for (const refused of [
      ann.listMembers(ws),
      ann.putMember(ws, { userId: userOf('eve'), role: 'viewer' }, null),
      ann.removeMember(ws, userOf('bob'), null),
      ann.listTree(ws, '', null),
      clientOf(world, 'bob').deleteWorkspace(ws, null),
      clientOf(world, 'bob').patchWorkspace(ws, { deleted: false }, null),
    ]) {
      assert.equal(await codeOf(refused), 'not-found');
    }
  });

  it('is left out of the list, unless its owner asks for those too', async () => {
    const { world, ws } = await start();
    const { workspaceId: other } = await createWorkspaceAs(world, 'ann', { token: 'other' });
    await clientOf(world, 'ann').deleteWorkspace(ws, null);
    const ids = async (person: Person, too: boolean): Promise<string[]> => {
      const client = clientOf(world, person);
      const found = await (too ? client.listDeletedToo() : client.listWorkspaces());
      return found.map(({ workspaceId }) => workspaceId).sort();
    };
    assert.deepEqual(await ids('ann', false), [other]);
    assert.deepEqual(await ids('ann', true), [ws, other].sort());
    assert.deepEqual([await ids('bob', false), await ids('bob', true)], [[], []]);
    const odd = call(world.api, { token: 'ann', path: '/workspaces?deleted=1', response: workspaceView });
    await mustFail(odd, 'malformed');
  });

  it('comes back as it was, for its owner, with changes in the same request', async () => {
    const { world, ws } = await start();
    const device = await TestDevice.register(world, 'bob', ws, 'phone');
    await device.commit(mkdirOperation('a', 'a'));
    const ann = clientOf(world, 'ann');
    const { version } = await ann.deleteWorkspace(ws, null);
    world.clock.ms += limits.deletedWorkspaceSeconds * 1_000;
    const back = await ann.patchWorkspace(ws, { deleted: false, name: 'Back' }, version);
    assert.deepEqual([back.deletedMs, back.name, back.seq], [null, 'Back', 1]);
    assert.equal((await device.list()).size, 1);
    assert.equal((await device.commit(mkdirOperation('b', 'b'))).outcomes[0]?.status, 'applied');
  });

  it('does not come back when its time is over', async () => {
    const { world, ws } = await start();
    const ann = clientOf(world, 'ann');
    await ann.deleteWorkspace(ws, null);
    world.clock.ms += limits.deletedWorkspaceSeconds * 1_000 + 1;
    await assert.rejects(ann.patchWorkspace(ws, { deleted: false }, null), { code: 'not-found' });
  });

  it('can be deleted again: the time of the first stays', async () => {
    const { world, ws } = await start();
    await mustFail(remove(world, 'ann', ws), 'precondition-required');
    await mustFail(remove(world, 'ann', ws, '"1"'), 'precondition-failed');
    for (const token of ['bob', 'reader']) await mustFail(remove(world, token, ws, '*'), 'forbidden');
    const first = await must(remove(world, 'ann', ws, '"3-0-json"'));
    world.clock.ms += 5_000;
    assert.deepEqual(await must(remove(world, 'ann', ws, '"3-0-json"')), first, 'as after a lost answer');
    await mustFail(remove(world, 'eve', ws, '*'), 'not-found');
  });

  it('is what a repeated creation with its token gives', async () => {
    const { world, ws } = await start();
    await clientOf(world, 'ann').deleteWorkspace(ws, null);
    const again = await createWorkspaceAs(world, 'ann');
    assert.deepEqual([again.workspaceId, again.deletedMs], [ws, world.clock.ms]);
  });
});
