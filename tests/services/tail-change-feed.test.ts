/** The change feed: what events lost is verified, what storage lost is noticed, and workers share the shards. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { BlobChange, ChangeFeed } from '../../shared/ports/change-feed.ts';
import type { LeaseStore } from '../../shared/ports/lease-store.ts';
import { listIncidents } from '../../shared/services/feed/incidents.ts';
import { repairIndexes } from '../../shared/services/feed/index-repair.ts';
import { packBlobName, stagedPackName } from '../../shared/services/pack-name.ts';
import { getPackRecord } from '../../shared/services/pack-record.ts';
import { feedShards, isOfShard, tailChangeFeed } from '../../shared/services/tail-change-feed.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { crashing } from '../api/world/crash.ts';
import { must } from '../api/world/calls.ts';
import { TestDevice, createWorkspaceAs } from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';

function packOf(...texts: readonly string[]) {
  const chunks = texts.map((text) => utf8(text));
  return buildPack(nodeCodecs, digestsToColumn(chunks.map(blake3Digest)), (i) => chunks[i]!);
}

const none = { absent: 0, intact: 0, verified: 0, rejected: 0, lost: 0, replaced: 0, removed: 0 };

interface Rig {
  readonly world: TestWorld;
  readonly workspaceId: WorkspaceId;
  runs: number;
}

async function start(seed = 'feed'): Promise<Rig> {
  const world = createTestWorld({ seed });
  return { world, workspaceId: (await createWorkspaceAs(world, 'ann')).workspaceId, runs: 0 };
}

async function put({ world, workspaceId }: Rig, packId: Digest, bytes: Uint8Array): Promise<void> {
  assert.equal(await world.blobs.put('chunks', packBlobName(workspaceId, packId), bytes), 'created');
}

/** Runs some seconds after the last change, when it can be seen for certain. */
function tail(rig: Rig, deps = rig.world.deps) {
  rig.world.clock.ms += 10_000;
  return tailChangeFeed(deps, { owner: `worker ${rig.runs++}`, deadlineMs: rig.world.clock.ms + 1_000 });
}

async function isRecorded({ world, workspaceId }: Rig, packId: Digest): Promise<boolean> {
  return (await getPackRecord(world.deps, workspaceId, packId)) !== undefined;
}

async function knows({ world, workspaceId }: Rig, text: string): Promise<boolean> {
  const [place] = await world.deps.metadata.chunks.lookUp(workspaceId, digestsToColumn([blake3Digest(utf8(text))]));
  return place !== undefined;
}

/** Deletes by hand, as somebody with the storage account open does. */
async function deleteByHand({ world, workspaceId }: Rig, packId: Digest): Promise<void> {
  await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, packId)]);
}

describe('the tail of the change feed', () => {
  it('verifies every pack whose event was lost, and quarantines the bad ones', async () => {
    const rig = await start();
    const packs = Array.from({ length: 40 }, (_, i) => packOf(`content ${i}`));
    for (const { packId, bytes } of packs) await put(rig, packId, bytes);
    const bad = packOf('bad').packId;
    await put(rig, bad, utf8('not what its name says'));
    const report = await tail(rig);
    assert.deepEqual([report.shards, report.packs.verified, report.packs.rejected], [4, 40, 1]);
    for (const { packId } of packs) assert.equal(await isRecorded(rig, packId), true);
    assert.equal(await isRecorded(rig, bad), false);
    const again = await tail(rig);
    // The move to quarantine has deleted a blob in `chunks`: a change that we ordered, so there is nothing to do about it.
    assert.deepEqual({ ...again.packs, absent: 0, intact: 0 }, none);
    assert.deepEqual(await listIncidents(rig.world.deps, rig.workspaceId, null, 10), []);
  });

  it('promotes and verifies packs that came in blocks, if their session planned them', async () => {
    const rig = await start();
    const { world, workspaceId } = rig;
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    const { sessionId, packs } = await must(ann.openSession([utf8('planned')]));
    const [planned, other] = [packOf('planned'), packOf('not planned')];
    assert.deepEqual(
      packs.map(({ packId }) => packId),
      [planned.packId],
    );
    for (const { packId, bytes } of [planned, other]) {
      await world.blobs.put('staging', stagedPackName({ workspaceId, sessionId, packId }), bytes);
    }
    assert.equal((await tail(rig)).staged, 2);
    assert.deepEqual([await isRecorded(rig, planned.packId), await isRecorded(rig, other.packId)], [true, false]);
    assert.deepEqual({ ...(await tail(rig)).packs, intact: 0, absent: 0 }, { ...none, intact: 0, absent: 0 });
  });

  it('deals every pack to exactly one shard', () => {
    for (let first = 0; first < 256; first++) {
      const packId = `${first.toString(16).padStart(2, '0')}${'0'.repeat(62)}` as Digest;
      const of = feedShards.filter((shard) => isOfShard(shard, { workspaceId: '' as WorkspaceId, packId }));
      assert.equal(of.length, 1, packId);
    }
  });

  it('reports a verified pack that was deleted by hand, forgets it, and takes it back when it is uploaded again', async () => {
    const rig = await start();
    const { packId, bytes } = packOf('kept', 'lost');
    await put(rig, packId, bytes);
    await tail(rig);
    await deleteByHand(rig, packId);
    const report = await tail(rig);
    assert.equal(report.packs.lost, 1);
    assert.deepEqual([await isRecorded(rig, packId), await knows(rig, 'kept')], [false, false]);
    const incidents = await listIncidents(rig.world.deps, rig.workspaceId, null, 10);
    assert.deepEqual(
      incidents.map(({ kind, packId: id, storedBytes }) => [kind, id, storedBytes]),
      [['lost', packId, bytes.length]],
    );
    assert.ok(rig.world.logged.some((line) => line.startsWith('storage changed a verified pack')));
    await put(rig, packId, bytes);
    await tail(rig);
    assert.deepEqual([await isRecorded(rig, packId), await knows(rig, 'lost')], [true, true]);
  });

  it('keeps chunks of a lost pack that lie in another pack too', async () => {
    const rig = await start();
    const first = packOf('shared', 'only in the first');
    const second = packOf('only in the second', 'shared');
    for (const { packId, bytes } of [first, second]) {
      await put(rig, packId, bytes);
      await tail(rig);
    }
    await deleteByHand(rig, first.packId);
    await tail(rig);
    assert.equal(await knows(rig, 'shared'), false, 'until the index is repaired');
    const input = { owner: 'repair', deadlineMs: rig.world.clock.ms + 1_000 };
    assert.equal(await repairIndexes(rig.world.deps, input), 1);
    assert.deepEqual([await knows(rig, 'shared'), await knows(rig, 'only in the first')], [true, false]);
    assert.equal(await repairIndexes(rig.world.deps, input), 0, 'once');
  });

  it('verifies anew what was put in the place of a verified pack, good or bad', async () => {
    const rig = await start();
    const { packId, bytes } = packOf('right');
    await put(rig, packId, bytes);
    await tail(rig);
    const before = await getPackRecord(rig.world.deps, rig.workspaceId, packId);
    await deleteByHand(rig, packId);
    await put(rig, packId, bytes);
    assert.equal((await tail(rig)).packs.replaced, 1);
    const after = await getPackRecord(rig.world.deps, rig.workspaceId, packId);
    assert.notEqual(after?.etag, before?.etag);
    await deleteByHand(rig, packId);
    await put(rig, packId, utf8('wrong bytes'));
    assert.equal(
      await verifyPack(rig.world.deps, { workspaceId: rig.workspaceId, packId }),
      'verified',
      'by the record',
    );
    assert.equal((await tail(rig)).packs.replaced, 1);
    assert.deepEqual([await isRecorded(rig, packId), await knows(rig, 'right')], [false, false]);
    assert.equal(await rig.world.blobs.head('chunks', packBlobName(rig.workspaceId, packId)), undefined);
    const kinds = (await listIncidents(rig.world.deps, rig.workspaceId, null, 10)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['replaced', 'replaced']);
  });

  it('says nothing about what we order: packs that were forgotten before, and workspaces that are purged', async () => {
    const rig = await start();
    const { world, workspaceId } = rig;
    const [collected, purged] = [packOf('collected'), packOf('purged')];
    for (const { packId, bytes } of [collected, purged]) await put(rig, packId, bytes);
    await tail(rig);
    await world.deps.metadata.chunks.forgetPack(workspaceId, collected.packId);
    await deleteByHand(rig, collected.packId);
    assert.equal((await tail(rig)).packs.lost, 0);
    const workspace = (await world.deps.metadata.workspaces.get(workspaceId))!;
    const deleted = { ...workspace, version: workspace.version + 1, deletedMs: world.clock.ms };
    assert.equal(await world.deps.metadata.workspaces.replace(deleted), 'replaced');
    world.clock.ms += limits.deletedWorkspaceSeconds * 1_000 + 1;
    await deleteByHand(rig, purged.packId);
    const report = await tail(rig);
    assert.deepEqual([report.packs.lost, report.packs.removed], [0, 1]);
    assert.deepEqual(await listIncidents(world.deps, workspaceId, null, 10), []);
  });

  it('starts again from the beginning, with a warning, when the feed does not know the cursor', async () => {
    const rig = await start();
    const { packId, bytes } = packOf('x');
    await put(rig, packId, bytes);
    const { leases } = rig.world.deps.metadata;
    for (const shard of feedShards) {
      const lease = await leases.acquire(`change-feed/${shard}`, 'old', 0, 1);
      await leases.save(lease!, 'a cursor of another feed', 1);
    }
    const report = await tail(rig);
    assert.deepEqual([report.shards, report.packs.verified], [4, 1]);
    assert.ok(rig.world.logged.some((line) => line.startsWith('the change feed does not know the cursor')));
    assert.equal((await tail(rig)).changes, 0);
  });

  it('looks again at what was told before it could be seen', async () => {
    const rig = await start();
    const { world, workspaceId } = rig;
    const { packId, bytes } = packOf('slow to come');
    const name = packBlobName(workspaceId, packId);
    const told = {
      kind: 'created',
      container: 'chunks',
      name,
      etag: '',
      timeMs: world.clock.ms,
      api: 'PutBlob',
    } as const;
    const feed: ChangeFeed = {
      read: async (cursor) => (cursor === null ? { changes: [told], cursor: '1' } : { changes: [], cursor }),
    };
    const run = (ms: number) => {
      world.clock.ms += ms;
      const deps = { ...world.deps, changeFeed: feed };
      return tailChangeFeed(deps, { owner: `run ${ms}`, deadlineMs: Number.MAX_SAFE_INTEGER });
    };
    assert.equal((await run(0)).packs.absent, 1);
    await put(rig, packId, bytes);
    assert.equal((await run(4_000)).packs.verified, 1);
    assert.equal((await run(2_000)).packs.intact, 1);
    assert.equal((await run(1_000)).changes, 0, 'the cursor has passed it');
  });
});

describe('workers of the change feed', () => {
  it('that die at any call miss nothing and harm nothing', async () => {
    const packs = [packOf('one'), packOf('two', 'three'), packOf('four')];
    const lost = packOf('lost', 'two');
    async function prepared(): Promise<Rig> {
      const rig = await start();
      await put(rig, lost.packId, lost.bytes);
      await tail(rig);
      for (const { packId, bytes } of packs) await put(rig, packId, bytes);
      await deleteByHand(rig, lost.packId);
      return rig;
    }
    const first = await prepared();
    const whole = crashing(first.world.deps, { after: Number.MAX_SAFE_INTEGER, effect: true });
    await tail(first, whole.deps);
    assert.ok(whole.calls > 30);
    for (let after = 0; after < whole.calls; after++) {
      const rig = await prepared();
      const effect = after % 2 === 0;
      const what = `died ${effect ? 'after' : 'before'} call ${after}`;
      await assert.rejects(tail(rig, crashing(rig.world.deps, { after, effect }).deps), Error, what);
      rig.world.clock.ms += 600_000;
      await tail(rig);
      await repairIndexes(rig.world.deps, { owner: 'repair', deadlineMs: rig.world.clock.ms + 1_000 });
      for (const { packId } of packs) assert.equal(await isRecorded(rig, packId), true, what);
      assert.deepEqual([await isRecorded(rig, lost.packId), await knows(rig, 'lost')], [false, false], what);
      assert.equal(await knows(rig, 'two'), true, what);
      const incidents = await listIncidents(rig.world.deps, rig.workspaceId, null, 10);
      assert.deepEqual(
        incidents.map(({ kind, packId }) => [kind, packId]),
        [['lost', lost.packId]],
        what,
      );
    }
  });

  it('that lose the lease in the middle of a page stop, and leave the cursor to the next', async () => {
    const rig = await start();
    const { world } = rig;
    const { packId, bytes } = packOf('slow');
    await put(rig, packId, bytes);
    world.clock.ms += 10_000;
    const shard = feedShards.find((each) => isOfShard(each, { workspaceId: rig.workspaceId, packId }))!;
    let taken: Awaited<ReturnType<LeaseStore['acquire']>>;
    const slow: ChangeFeed = {
      async read(cursor, limit) {
        const page = await world.deps.changeFeed.read(cursor, limit);
        if (cursor === null && taken === undefined) {
          // The worker sleeps here for longer than its lease; another one takes it over and goes on.
          world.clock.ms += 400_000;
          for (const each of feedShards) {
            const lease = await world.deps.metadata.leases.acquire(`change-feed/${each}`, 'other', world.clock.ms, 300);
            if (each === shard) taken = lease;
          }
        }
        return page;
      },
    };
    const first = feedShards[0];
    await tailChangeFeed({ ...world.deps, changeFeed: slow }, { owner: 'slow', deadlineMs: world.clock.ms + 800_000 });
    const leases = await world.deps.metadata.leases.list('change-feed/');
    assert.deepEqual(
      leases.map(({ owner, cursor }) => [owner, cursor]),
      feedShards.map(() => ['other', null]),
    );
    assert.ok(
      world.logged.some((line) => line.includes('another worker has taken the shard over')),
      first,
    );
  });

  /** A feed of numbered changes, which notes what each cursor was moved to. */
  it('in any interleaving never move a cursor back and never skip a change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 6 }), fc.nat({ max: 3 }), async (s, changes, naps) => {
        const rig = await start(`interleaved ${changes}`);
        const { world, workspaceId } = rig;
        const packs = Array.from({ length: changes }, (_, i) => packOf(`change ${i}`));
        for (const { packId, bytes } of packs) await put(rig, packId, bytes);
        const told: BlobChange[] = packs.map(({ packId }) => ({
          kind: 'created',
          container: 'chunks',
          name: packBlobName(workspaceId, packId),
          etag: '',
          timeMs: 0,
          api: 'PutBlob',
        }));
        // One change a page, so that there are many cursors.
        const feed: ChangeFeed = {
          read: async (cursor) => {
            const at = Number(cursor ?? 0);
            const page = told.slice(at, at + 1);
            return { changes: page, cursor: page.length === 0 ? cursor : String(at + 1) };
          },
        };
        const positions = new Map<string, number>();
        const { leases } = world.deps.metadata;
        const watched: LeaseStore = {
          acquire: (...args) => s.schedule(Promise.resolve(), 'acquire').then(() => leases.acquire(...args)),
          release: (lease) => leases.release(lease),
          list: (prefix) => leases.list(prefix),
          save: async (lease, cursor, expiresMs) => {
            await s.schedule(Promise.resolve(), 'save');
            const saved = await leases.save(lease, cursor, expiresMs);
            if (saved === 'saved') {
              const to = Number(cursor);
              assert.ok(to > (positions.get(lease.name) ?? 0), `${lease.name} went to ${to}`);
              for (const { packId } of packs.slice(0, to)) {
                if (!isOfShard(lease.name.slice(12) as (typeof feedShards)[number], { workspaceId, packId })) continue;
                assert.equal(await isRecorded(rig, packId), true, 'the effects come before the cursor');
              }
              positions.set(lease.name, to);
            }
            return saved;
          },
        };
        const deps = { ...world.deps, changeFeed: feed, metadata: { ...world.deps.metadata, leases: watched } };
        const workers = [0, 1].map((i) =>
          tailChangeFeed(deps, { owner: `w${i}`, deadlineMs: Number.MAX_SAFE_INTEGER }),
        );
        const sleeps = Array.from({ length: naps }, () =>
          s.schedule(Promise.resolve(), 'the clock').then(() => void (world.clock.ms += 301_000)),
        );
        await s.waitFor(Promise.all([...workers, ...sleeps]));
        world.clock.ms += 301_000;
        await s.waitFor(tailChangeFeed(deps, { owner: 'last', deadlineMs: Number.MAX_SAFE_INTEGER }));
        for (const { packId } of packs) assert.equal(await isRecorded(rig, packId), true);
        for (const shard of feedShards) assert.equal(positions.get(`change-feed/${shard}`), changes);
      }),
      { numRuns: 60 },
    );
  });
});
