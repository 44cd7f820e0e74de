/** The chunk index is made right from packs alone, whatever was wrong with it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { digestsToColumn } from '../../../shared/core/ids.ts';
import { downloadSessionRequest, downloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import { rebuildIndexStep } from '../../../shared/services/admin/rebuild-index.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { getPackRecord } from '../../../shared/services/pack-record.ts';
import { call } from '../../api/world/calls.ts';
import { Crash, crashing } from '../../api/world/crash.ts';
import {
  type FullWorkspace,
  createFullWorkspace,
  fsckAll,
  packIds,
  packOfText,
  replaceBlob,
} from './full-workspace.ts';

async function rebuild(full: FullWorkspace, trustRecords = false, deps = full.world.deps) {
  const counts = { forgotten: 0, recorded: 0, rejected: 0 };
  let cursor: string | null = null;
  do {
    const step: Awaited<ReturnType<typeof rebuildIndexStep>> = await rebuildIndexStep(deps, {
      workspaceId: full.workspaceId,
      cursor,
      packs: 7,
      trustRecords,
    });
    counts.forgotten += step.forgotten;
    counts.recorded += step.recorded;
    counts.rejected += step.rejected;
    cursor = step.cursor;
  } while (cursor !== null);
  return counts;
}

async function forgetAll(full: FullWorkspace): Promise<void> {
  for (const packId of await packIds(full)) await full.world.deps.metadata.chunks.forgetPack(full.workspaceId, packId);
}

/** Whether all chunks of these texts can be downloaded. */
async function canDownload({ ann, chunks }: FullWorkspace): Promise<boolean> {
  const hashes = digestsToColumn([...chunks, utf8('number 5'), utf8('its next version')].map(blake3Digest));
  const reply = await call(ann.world.api, {
    token: 'ann',
    path: '/download/session',
    request: [downloadSessionRequest, { workspaceId: ann.workspaceId, hashes }],
    response: downloadSessionResponse,
  });
  return reply.ok;
}

describe('rebuilding the chunk index', () => {
  it('from nothing but packs makes every file downloadable again', async () => {
    const full = await createFullWorkspace();
    const packs = await packIds(full);
    await forgetAll(full);
    assert.equal(await canDownload(full), false);
    assert.deepEqual(await rebuild(full), { forgotten: 0, recorded: packs.length, rejected: 0 });
    assert.equal(await canDownload(full), true);
    assert.deepEqual((await fsckAll(full, { history: true, deep: true })).findings, []);
  });

  it('of a sound workspace changes nothing', async () => {
    const full = await createFullWorkspace();
    for (const trust of [false, true]) {
      const counts = await rebuild(full, trust);
      assert.deepEqual([counts.forgotten, counts.rejected], [0, 0]);
      assert.deepEqual((await fsckAll(full, { deep: true })).findings, []);
    }
  });

  it('forgets packs without blobs', async () => {
    const full = await createFullWorkspace();
    const { world, workspaceId } = full;
    const packId = await packOfText(full, 'number 5');
    await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, packId)]);
    assert.equal((await rebuild(full, true)).forgotten, 1);
    assert.equal(await getPackRecord(world.deps, workspaceId, packId), undefined);
    assert.equal(await canDownload(full), false);
  });

  it('puts bad packs into quarantine', async () => {
    const full = await createFullWorkspace();
    const packId = await packOfText(full, 'number 5');
    await replaceBlob(full, packId, utf8('something else'));
    assert.equal((await rebuild(full)).rejected, 1);
    assert.equal(await full.world.blobs.head('chunks', packBlobName(full.workspaceId, packId)), undefined);
    const [record] = await full.world.deps.metadata.quarantine.list(full.workspaceId, null, 10);
    assert.equal(record?.packId, packId);
  });

  it('corrects rows that are wrong', async () => {
    const full = await createFullWorkspace();
    const { chunks } = full.world.deps.metadata;
    const { workspaceId } = full;
    const packId = await packOfText(full, 'number 5');
    const record = (await getPackRecord(full.world.deps, workspaceId, packId))!;
    const hashes = digestsToColumn([blake3Digest(utf8('number 5'))]);
    const [place] = await chunks.lookUp(workspaceId, hashes);
    await chunks.forgetPack(workspaceId, packId);
    const wrong = { ...place!, frameOffset: place!.frameOffset + 1 };
    await chunks.record(workspaceId, { ...record, hashes, places: [wrong] }, 0);
    assert.deepEqual(
      (await fsckAll(full)).findings.map(({ kind }) => kind),
      ['index-wrong'],
    );
    await rebuild(full, true);
    assert.deepEqual((await fsckAll(full)).findings, []);
  });

  it('may die at any call and be begun again', async () => {
    const full = await createFullWorkspace();
    for (const after of [0, 5, 17, 40, 90, 150, 230]) {
      await forgetAll(full);
      const { deps } = crashing(full.world.deps, { after, effect: after % 2 === 0 });
      await assert.rejects(rebuild(full, false, deps), Crash);
      await rebuild(full);
      assert.deepEqual((await fsckAll(full)).findings, []);
    }
  });

  it('refuses what is no cursor', async () => {
    const full = await createFullWorkspace();
    for (const cursor of ['', 'forget', 'record:x', 'forget:', 'other:']) {
      const step = rebuildIndexStep(full.world.deps, {
        workspaceId: full.workspaceId,
        cursor,
        packs: 1,
        trustRecords: true,
      });
      if (cursor === 'forget' || cursor === 'forget:') await step;
      else await assert.rejects(step, { code: 'malformed' });
    }
  });
});
