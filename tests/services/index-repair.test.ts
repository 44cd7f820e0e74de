/** Repairs that are put down: none passes what is about to change, and none is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { repairIndexes, withIndexRepair } from '../../shared/services/feed/index-repair.ts';
import { crashing } from '../api/world/crash.ts';
import { type FullWorkspace, createFullWorkspace, fsckAll, packIds } from './admin/full-workspace.ts';

function repair({ world }: FullWorkspace, deps = world.deps, deadlineMs = Number.MAX_SAFE_INTEGER) {
  return repairIndexes(deps, { owner: 'repair', deadlineMs });
}

async function forgetAll(
  { world, workspaceId }: FullWorkspace,
  packs: Awaited<ReturnType<typeof packIds>>,
): Promise<void> {
  for (const packId of packs) await world.deps.metadata.chunks.forgetPack(workspaceId, packId);
}

describe('the repair of an index', () => {
  it('waits until what is being forgotten is forgotten, and then finds it', async () => {
    const full = await createFullWorkspace();
    const packs = await packIds(full);
    await withIndexRepair(full.world.deps, full.workspaceId, async () => {
      assert.equal(await repair(full), 0, 'nobody may begin now');
      await forgetAll(full, packs);
    });
    assert.equal(await repair(full), 1);
    assert.deepEqual((await fsckAll(full)).findings, []);
    assert.equal(await repair(full), 0, 'once');
  });

  it('is refused as busy while a worker is at it, before anything is done', async () => {
    const full = await createFullWorkspace();
    const { leases } = full.world.deps.metadata;
    const lease = await leases.acquire(`index-repair/${full.workspaceId}`, 'worker', full.world.clock.ms, 300);
    assert.ok(lease !== undefined);
    const work = () => assert.fail('nothing may be forgotten now');
    await assert.rejects(withIndexRepair(full.world.deps, full.workspaceId, work), { code: 'busy' });
  });

  it('is put down whatever becomes of the work', async () => {
    const full = await createFullWorkspace();
    const failing = () => Promise.reject(new Error('storage is away'));
    await assert.rejects(withIndexRepair(full.world.deps, full.workspaceId, failing), /storage is away/);
    assert.equal(await repair(full), 1);
  });

  it('goes on where a worker died, or its time was over', async () => {
    const full = await createFullWorkspace();
    const packs = await packIds(full);
    await withIndexRepair(full.world.deps, full.workspaceId, () => forgetAll(full, packs));
    for (const after of [1, 4, 60, 200]) {
      const { deps } = crashing(full.world.deps, { after, effect: true });
      await assert.rejects(repair(full, deps));
      full.world.clock.ms += 301_000;
    }
    assert.equal(await repair(full, full.world.deps, full.world.clock.ms), 0, 'no time, nothing done');
    assert.equal(await repair(full), 1);
    assert.deepEqual((await fsckAll(full)).findings, []);
  });
});
