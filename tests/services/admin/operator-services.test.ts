/** What operators may do: look at usage, set quotas, decide about quarantine, see what was poisoned and how far the feed was followed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type WorkspaceId, digestsToColumn, parseWorkspaceId } from '../../../shared/core/ids.ts';
import { buildPack } from '../../../shared/core/pack/pack-writer.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { feedStatus } from '../../../shared/services/admin/feed-status.ts';
import { listPoison } from '../../../shared/services/admin/list-poison.ts';
import { listQuarantine } from '../../../shared/services/admin/list-quarantine.ts';
import { purgeQuarantined } from '../../../shared/services/admin/purge-quarantined.ts';
import { releaseQuarantined } from '../../../shared/services/admin/release-quarantined.ts';
import { setQuota } from '../../../shared/services/admin/set-quota.ts';
import { getUsage, listUsage } from '../../../shared/services/admin/usage.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { getPackRecord } from '../../../shared/services/pack-record.ts';
import { tailChangeFeed } from '../../../shared/services/tail-change-feed.ts';
import { verifyPack } from '../../../shared/services/verify-pack.ts';
import { Crash, crashing } from '../../api/world/crash.ts';
import { createWorkspaceAs } from '../../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../../api/world/test-world.ts';
import { createFullWorkspace, packIds } from './full-workspace.ts';

const good = utf8('good bytes');
const pack = buildPack(nodeCodecs, digestsToColumn([blake3Digest(good)]), () => good);

/** A pack in quarantine, with these bytes. */
async function quarantined(bytes: Uint8Array) {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const { packId } = pack;
  await world.blobs.put('chunks', packBlobName(workspaceId, packId), utf8('bad bytes'));
  assert.equal(await verifyPack(world.deps, { workspaceId, packId }), 'rejected');
  const [record] = await world.deps.metadata.quarantine.list(workspaceId, null, 1);
  const { blobName } = record!;
  await world.blobs.deleteMany('quarantine', [blobName]);
  await world.blobs.put('quarantine', blobName, bytes);
  return { world, workspaceId, packId, blobName };
}

async function isEmpty(world: TestWorld, workspaceId: WorkspaceId): Promise<boolean> {
  return (await listQuarantine(world.deps, { workspaceId, after: null })).packs.length === 0;
}

describe('quarantine', () => {
  it('is listed, with what is there and what is not', async () => {
    const { world, workspaceId, packId, blobName } = await quarantined(pack.bytes);
    const { packs, after } = await listQuarantine(world.deps, { workspaceId, after: null });
    assert.deepEqual(
      packs.map((each) => [each.packId, each.blobName, each.isThere]),
      [[packId, blobName, true]],
    );
    assert.equal(after, null);
    await world.blobs.deleteMany('quarantine', [blobName]);
    assert.equal((await listQuarantine(world.deps, { workspaceId, after: null })).packs[0]?.isThere, false);
  });

  it('lets a pack go whose bytes are good after all, at any crash in one place at least', async () => {
    const first = await quarantined(pack.bytes);
    const whole = crashing(first.world.deps, { after: Number.MAX_SAFE_INTEGER, effect: true });
    assert.deepEqual(await releaseQuarantined(whole.deps, first), { status: 'released' });
    assert.ok((await getPackRecord(first.world.deps, first.workspaceId, first.packId)) !== undefined);
    assert.equal(await isEmpty(first.world, first.workspaceId), true);
    for (let after = 0; after < whole.calls; after++) {
      for (const effect of [true, false]) {
        const input = await quarantined(pack.bytes);
        const { world, workspaceId, packId, blobName } = input;
        await assert.rejects(releaseQuarantined(crashing(world.deps, { after, effect }).deps, input), Crash);
        // Done again by the operator; it may have been done but for the answer.
        const isDone = await isEmpty(world, workspaceId);
        if (isDone) await assert.rejects(releaseQuarantined(world.deps, input), { code: 'not-found' });
        else assert.deepEqual(await releaseQuarantined(world.deps, input), { status: 'released' });
        assert.equal(await world.blobs.head('quarantine', blobName), undefined);
        assert.ok((await getPackRecord(world.deps, workspaceId, packId)) !== undefined, `call ${after}`);
        assert.equal(await isEmpty(world, workspaceId), true, `call ${after}`);
      }
    }
  });

  it('keeps a pack that is bad still, and says why', async () => {
    const { world, workspaceId, packId, blobName } = await quarantined(utf8('bad bytes'));
    const release = await releaseQuarantined(world.deps, { workspaceId, blobName });
    assert.equal(release.status, 'refused');
    assert.ok(release.status === 'refused' && release.reason.length > 0);
    assert.equal(await isEmpty(world, workspaceId), false);
    assert.equal(await getPackRecord(world.deps, workspaceId, packId), undefined);
  });

  it('releases beside a pack that was uploaded again meanwhile', async () => {
    const { world, workspaceId, packId, blobName } = await quarantined(pack.bytes);
    await world.blobs.put('chunks', packBlobName(workspaceId, packId), pack.bytes);
    assert.deepEqual(await releaseQuarantined(world.deps, { workspaceId, blobName }), { status: 'released' });
    assert.equal(await isEmpty(world, workspaceId), true);
  });

  it('is not believed to be back because it is recorded: the good bytes stay until they are in the place of the bad ones', async () => {
    const { world, workspaceId, packId, blobName } = await quarantined(pack.bytes);
    const name = packBlobName(workspaceId, packId);
    await world.blobs.put('chunks', name, pack.bytes);
    assert.equal(await verifyPack(world.deps, { workspaceId, packId }), 'verified');
    await world.blobs.deleteMany('chunks', [name]);
    await world.blobs.put('chunks', name, utf8('put there by hand'));
    await assert.rejects(releaseQuarantined(world.deps, { workspaceId, blobName }), { code: 'busy' });
    assert.deepEqual(await world.blobs.get('quarantine', blobName), pack.bytes);
    assert.deepEqual(await releaseQuarantined(world.deps, { workspaceId, blobName }), { status: 'released' });
    assert.deepEqual(await world.blobs.get('chunks', name), pack.bytes);
    const standing = await world.blobs.head('chunks', name);
    assert.equal((await getPackRecord(world.deps, workspaceId, packId))?.etag, standing?.etag);
  });

  it('is purged one by one, and names of other workspaces are not found', async () => {
    const { world, workspaceId, blobName } = await quarantined(utf8('bad'));
    const other = (await createWorkspaceAs(world, 'bob')).workspaceId;
    for (const name of [
      { workspaceId: other, blobName },
      { workspaceId, blobName: '../x' },
    ]) {
      await assert.rejects(purgeQuarantined(world.deps, name), { code: 'not-found' });
      await assert.rejects(releaseQuarantined(world.deps, name), { code: 'not-found' });
    }
    await purgeQuarantined(world.deps, { workspaceId, blobName });
    assert.equal(await isEmpty(world, workspaceId), true);
    assert.equal(await world.blobs.head('quarantine', blobName), undefined);
    await assert.rejects(purgeQuarantined(world.deps, { workspaceId, blobName }), { code: 'not-found' });
  });
});

describe('usage and quota', () => {
  it('tell what a workspace holds and may hold', async () => {
    const full = await createFullWorkspace();
    const { world, workspaceId } = full;
    const usage = await getUsage(world.deps, workspaceId);
    const packs = await packIds(full);
    let storedBytes = 0;
    for (const packId of packs)
      storedBytes += (await world.blobs.head('chunks', packBlobName(workspaceId, packId)))!.length;
    assert.deepEqual([usage.files, usage.packs, usage.storedBytes], [62, packs.length, storedBytes]);
    const after = await setQuota(world.deps, { workspaceId, quota: { filesMax: 100, bytesMax: null } });
    assert.deepEqual([after.filesMax, after.bytesMax], [100, null]);
    const same = await setQuota(world.deps, { workspaceId, quota: { filesMax: 100, bytesMax: null } });
    assert.deepEqual(same, after);
    const none = parseWorkspaceId('f'.repeat(32));
    await assert.rejects(setQuota(world.deps, { workspaceId: none, quota: { filesMax: 1, bytesMax: 1 } }), {
      code: 'not-found',
    });
    await assert.rejects(getUsage(world.deps, none), { code: 'not-found' });
  });

  it('are listed for all workspaces by pages', async () => {
    const world = createTestWorld();
    for (let i = 0; i < 103; i++) await createWorkspaceAs(world, 'ann', { token: `w${i}` });
    const first = await listUsage(world.deps, { after: null });
    const second = await listUsage(world.deps, { after: first.after });
    assert.deepEqual([first.workspaces.length, second.workspaces.length, second.after], [100, 3, null]);
  });
});

describe('the state of the machinery', () => {
  it('shows poisoned messages without taking them', async () => {
    const world = createTestWorld();
    await world.deps.queue.send('quarantine-poison', 'what was in it');
    await world.deps.queue.send('unsettled-poison', 'and in this');
    await world.deps.queue.send('unsettled', 'not given up');
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(
        (await listPoison(world.deps)).map(({ queue, body }) => [queue, body]),
        [
          ['quarantine-poison', 'what was in it'],
          ['unsettled-poison', 'and in this'],
        ],
      );
    }
  });

  it('shows how far each shard of the feed was followed', async () => {
    const world = createTestWorld();
    const before = await feedStatus(world.deps);
    assert.deepEqual(
      before.shards.map(({ cursor, epoch }) => [cursor, epoch]),
      Array.from({ length: 4 }, () => [null, 0]),
    );
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    await world.blobs.put('chunks', packBlobName(workspaceId, pack.packId), pack.bytes);
    world.clock.ms += 10_000;
    await tailChangeFeed(world.deps, { owner: 'w', deadlineMs: Number.MAX_SAFE_INTEGER });
    const { shards, repairs } = await feedStatus(world.deps);
    assert.ok(shards.every(({ cursor, epoch, isHeld }) => cursor !== null && epoch === 1 && !isHeld));
    assert.deepEqual(repairs, []);
    await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, pack.packId)]);
    await tailChangeFeed(world.deps, { owner: 'w', deadlineMs: Number.MAX_SAFE_INTEGER });
    assert.deepEqual(
      (await feedStatus(world.deps)).repairs.map(({ name, cursor }) => [name, cursor]),
      [[`index-repair/${workspaceId}`, 'begin']],
    );
  });
});
