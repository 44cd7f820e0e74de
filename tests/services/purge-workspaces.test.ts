/** Purging deleted workspaces: all that is theirs goes, nothing else does, and a crash anywhere is made good by the next run. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { createSqliteMetadataStore } from '../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { type BlobStore, containers } from '../../shared/ports/blob-store.ts';
import type { MetadataStore, WorkspaceStore } from '../../shared/ports/metadata-store.ts';
import { type PurgeBounds, type Purged, purgeWorkspaces } from '../../shared/services/purge-workspaces.ts';
import { must } from '../api/world/calls.ts';
import { clientOf } from '../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, putOperation } from '../api/world/test-device.ts';
import { type TestWorld, type TestWorldOptions, createTestWorld } from '../api/world/test-world.ts';

const bounds: PurgeBounds = { page: 2, blobBatch: 2, rows: 3, steps: 1_000 };
const pastReturn = limits.deletedWorkspaceSeconds * 1_000 + 1;

/** A workspace of ann's with files of several kinds, a bad pack in quarantine, and a large journal entry in a blob. */
async function fill(world: TestWorld, token: string): Promise<TestDevice> {
  const { workspaceId } = await createWorkspaceAs(world, 'ann', { token });
  const device = await TestDevice.register(world, 'ann', workspaceId, token);
  for (const text of ['one', 'two', 'three']) {
    await device.commitPut({ node: `${token} ${text}`, name: text, text: `${text} of ${token}` });
  }
  const folders = Array.from({ length: 1_500 }, (_, i) => mkdirOperation(`${token} ${i}`, `${i}${'x'.repeat(200)}`));
  await device.commit(...folders);
  const { session } = await device.upload(utf8(`never committed by ${token}`));
  for (const { packId } of session.packs) {
    const name = `${workspaceId}/${packId.slice(0, 2)}/${packId.slice(2, 4)}/${packId}.blob`;
    const { etag } = (await world.blobs.head('chunks', name))!;
    assert.equal(await world.blobs.moveIfMatch('chunks', name, etag, 'quarantine'), 'moved');
  }
  return device;
}

async function blobsOf(world: TestWorld, ws: WorkspaceId): Promise<string[]> {
  const names: string[] = [];
  for (const container of containers) {
    for await (const name of world.blobs.list(container, `${ws}/`)) names.push(`${container} ${name}`);
  }
  return names;
}

/** Everything that a member can see of a workspace, and its blobs. */
async function seen(world: TestWorld, device: TestDevice): Promise<unknown> {
  const view = await clientOf(world, 'ann').getWorkspace(device.workspaceId);
  const usage = await world.deps.metadata.chunks.usage(device.workspaceId);
  return [view, usage, await device.list(), await must(device.changes()), await blobsOf(world, device.workspaceId)];
}

async function isGone(world: TestWorld, { workspaceId }: TestDevice): Promise<boolean> {
  const { metadata } = world.deps;
  const rows = [
    await metadata.workspaces.get(workspaceId),
    await metadata.journal.getHead(workspaceId),
    (await metadata.journal.list(workspaceId, 0, 1, 1_000))[0],
    (await metadata.chunks.listPacks(workspaceId, null, 1))[0],
    (await blobsOf(world, workspaceId))[0],
  ];
  return rows.every((row) => row === undefined);
}

interface Setting {
  readonly world: TestWorld;
  readonly doomed: TestDevice;
  readonly neighbours: readonly TestDevice[];
}

/** Five workspaces; the middle one in order of making was deleted long ago, another one only just. */
async function start(options: TestWorldOptions = {}): Promise<Setting> {
  const world = createTestWorld(options);
  const devices: TestDevice[] = [];
  for (const token of ['a', 'b', 'doomed', 'c', 'd']) devices.push(await fill(world, token));
  const [a, b, doomed, c, d] = devices as [TestDevice, TestDevice, TestDevice, TestDevice, TestDevice];
  const ann = clientOf(world, 'ann');
  await ann.deleteWorkspace(doomed.workspaceId, null);
  world.clock.ms += 1;
  await ann.deleteWorkspace(b.workspaceId, null);
  world.clock.ms += pastReturn - 1;
  await ann.patchWorkspace(b.workspaceId, { deleted: false }, null);
  return { world, doomed, neighbours: [a, b, c, d] };
}

async function neighbourhood({ world, neighbours }: Setting): Promise<unknown> {
  return Promise.all(neighbours.map((device) => seen(world, device)));
}

describe('a workspace that was deleted long ago', () => {
  for (const [store, metadata] of [
    ['memory', createMemoryMetadataStore()],
    ['SQLite', createSqliteMetadataStore({ file: ':memory:' })],
  ] as const)
    it(`goes with all that was its own, and its neighbours stay to the byte (${store})`, async () => {
      const setting = await start({ metadata });
      const { world, doomed } = setting;
      const before = await neighbourhood(setting);
      const own = await blobsOf(world, doomed.workspaceId);
      assert.deepEqual(new Set(own.map((name) => name.split(' ')[0])), new Set(['chunks', 'manifests', 'quarantine']));
      const purged = await purgeWorkspaces(world.deps, bounds);
      assert.deepEqual(purged, { workspaces: 1, blobs: own.length, more: false });
      assert.ok(await isGone(world, doomed));
      assert.deepEqual(await neighbourhood(setting), before);
      assert.deepEqual(await purgeWorkspaces(world.deps, bounds), { workspaces: 0, blobs: 0, more: false });
    });

  it('is left alone until then', async () => {
    const world = createTestWorld();
    const device = await fill(world, 'a');
    const ann = clientOf(world, 'ann');
    await ann.deleteWorkspace(device.workspaceId, null);
    world.clock.ms += pastReturn - 1;
    assert.deepEqual(await purgeWorkspaces(world.deps, bounds), { workspaces: 0, blobs: 0, more: false });
    await ann.patchWorkspace(device.workspaceId, { deleted: false }, null);
    world.clock.ms += pastReturn;
    assert.equal((await purgeWorkspaces(world.deps, bounds)).workspaces, 0);
    assert.equal((await device.list()).size, 1_000, 'a page of it');
  });

  it('goes in runs that are bounded, and is nobody’s from the first', async () => {
    const setting = await start();
    const { world, doomed } = setting;
    let runs = 0;
    for (let more = true; more; runs++) {
      ({ more } = await purgeWorkspaces(world.deps, { ...bounds, steps: 3 }));
      await assert.rejects(clientOf(world, 'ann').getWorkspace(doomed.workspaceId), { code: 'not-found' });
      assert.ok(runs < 10_000);
    }
    assert.ok(runs > 10);
    assert.ok(await isGone(world, doomed));
  });

  it('can be made anew under its token when it is gone', async () => {
    const { world, doomed } = await start();
    await purgeWorkspaces(world.deps, bounds);
    const again = await createWorkspaceAs(world, 'ann', { token: 'doomed' });
    assert.deepEqual([again.workspaceId, again.seq, again.deletedMs], [doomed.workspaceId, 0, null]);
  });
});

describe('a run that breaks', () => {
  /** Fails at the n-th change of a store, before it or after it, and at everything after that. */
  function failingAt(deps: TestWorld['deps'], n: number, when: 'before' | 'after'): TestWorld['deps'] {
    let left = n;
    const step = async <T>(work: () => Promise<T>): Promise<T> => {
      if (--left < 0 || (left === 0 && when === 'before')) throw new Error('the process died');
      const result = await work();
      if (left === 0) throw new Error('the process died');
      return result;
    };
    const proxy = <Store extends object>(store: Store, names: readonly string[]): Store =>
      new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          const run = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
          if (!names.includes(String(name))) return run;
          return (...args: unknown[]) => step(() => run(...args) as Promise<unknown>);
        },
      });
    const workspaces: WorkspaceStore = proxy(deps.metadata.workspaces, ['replace']);
    const blobs: BlobStore = proxy(deps.blobs, ['deleteMany']);
    const inner: MetadataStore = proxy(deps.metadata, ['purgeWorkspace']);
    const metadata = new Proxy(inner, {
      get: (target, name) => (name === 'workspaces' ? workspaces : Reflect.get(target, name, target)),
    });
    return { ...deps, blobs, metadata };
  }

  it('at any step, before or after it took effect, is made good by the next; neighbours stay', async () => {
    const wide: PurgeBounds = { page: 2, blobBatch: 2, rows: 8, steps: 1_000 };
    for (const when of ['before', 'after'] as const) {
      const setting = await start();
      const { world, doomed } = setting;
      const before = await neighbourhood(setting);
      // Each run takes one step and dies after it, or before the next: so a crash comes between any two.
      const steps = when === 'after' ? 1 : 2;
      let crashes = 0;
      const dies = async (): Promise<boolean> => {
        const run = purgeWorkspaces(failingAt(world.deps, steps, when), wide);
        return run.then(
          () => false,
          (error: unknown) => /the process died/.test(String(error)),
        );
      };
      for (; await dies(); crashes++) assert.ok(crashes < 1_000);
      assert.ok(crashes > 8, `${crashes}`);
      assert.ok(await isGone(world, doomed));
      assert.deepEqual(await neighbourhood(setting), before);
    }
  });

  it('for one workspace goes on with the others, and says so in the end', async () => {
    const { world, doomed } = await start();
    const ann = clientOf(world, 'ann');
    const other = await fill(world, 'other');
    await ann.deleteWorkspace(other.workspaceId, null);
    world.clock.ms += pastReturn;
    const { metadata } = world.deps;
    const broken: MetadataStore = new Proxy(metadata, {
      get(target, name) {
        if (name !== 'purgeWorkspace') return Reflect.get(target, name, target);
        return (ws: WorkspaceId, limit: number): Promise<'more' | 'done'> =>
          ws === doomed.workspaceId ? Promise.reject(new Error('broken')) : target.purgeWorkspace(ws, limit);
      },
    });
    await assert.rejects(purgeWorkspaces({ ...world.deps, metadata: broken }, bounds), /broken/);
    assert.ok(await isGone(world, other));
    assert.ok(!(await isGone(world, doomed)));
  });

  it('that is late leaves alone what was made anew under the token since another run ended', async () => {
    const { world, doomed } = await start();
    const { metadata } = world.deps;
    await purgeWorkspaces(world.deps, { ...bounds, steps: 1 });
    // The late run has read this: the record as the first step left it, nobody's.
    const page = await metadata.workspaces.listAll(null, 100);
    await purgeWorkspaces(world.deps, bounds);
    assert.ok(await isGone(world, doomed));
    const again = await fill(world, 'doomed');
    assert.equal(again.workspaceId, doomed.workspaceId);
    const before = await seen(world, again);
    const stored = metadata.workspaces;
    const workspaces: WorkspaceStore = {
      create: (workspace, head) => stored.create(workspace, head),
      get: (id) => stored.get(id),
      listOfMember: (userId) => stored.listOfMember(userId),
      listAll: () => Promise.resolve(page),
      replace: (workspace) => stored.replace(workspace),
    };
    await purgeWorkspaces({ ...world.deps, metadata: { ...metadata, workspaces } }, { ...bounds, page: 100 });
    assert.deepEqual(await seen(world, again), before);
  });

  it('loses to who brings the workspace back in that moment, and touches nothing', async () => {
    const metadata = createMemoryMetadataStore();
    const { workspaces } = metadata;
    let rescue: WorkspaceId | undefined;
    const racing: WorkspaceStore = {
      create: (workspace, head) => workspaces.create(workspace, head),
      get: (id) => workspaces.get(id),
      listOfMember: (userId) => workspaces.listOfMember(userId),
      listAll: (after, limit) => workspaces.listAll(after, limit),
      replace: async (workspace) => {
        const now = await workspaces.get(workspace.workspaceId);
        if (rescue === workspace.workspaceId) {
          rescue = undefined;
          await workspaces.replace({ ...now!, deletedMs: null, version: now!.version + 1 });
        }
        return workspaces.replace(workspace);
      },
    };
    const { world, doomed } = await start({ metadata: { ...metadata, workspaces: racing } });
    const blobs = await blobsOf(world, doomed.workspaceId);
    rescue = doomed.workspaceId;
    const purged: Purged = await purgeWorkspaces(world.deps, bounds);
    assert.deepEqual(purged, { workspaces: 0, blobs: 0, more: false });
    assert.deepEqual(await blobsOf(world, doomed.workspaceId), blobs);
    const { outcomes } = await doomed.commit(putOperation({ node: 'new', name: 'new', text: '' }));
    assert.equal(outcomes[0]?.status, 'applied');
  });
});
