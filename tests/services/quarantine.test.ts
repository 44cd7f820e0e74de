/** Bad packs: a crash at any step loses none of them, and whoever is told of one finds it in quarantine. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../../shared/core/ids.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { Metrics } from '../../shared/ports/metrics.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import {
  decodeQuarantineMessage,
  encodeQuarantineMessage,
} from '../../shared/services/quarantine/quarantine-message.ts';
import { reportQuarantined } from '../../shared/services/quarantine/report-quarantined.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { Crash, crashing } from '../api/world/crash.ts';
import { createWorkspaceAs } from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';

const good = utf8('good bytes');
const pack = buildPack(nodeCodecs, digestsToColumn([blake3Digest(good)]), () => good);
const badBytes = utf8('these bytes are no pack at all');

interface Rig {
  readonly world: TestWorld;
  readonly workspaceId: WorkspaceId;
  readonly packId: Digest;
  readonly name: string;
  readonly counted: string[];
  readonly metrics: Metrics;
}

async function start(bytes = badBytes): Promise<Rig> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const { packId } = pack;
  const name = packBlobName(workspaceId, packId);
  await world.blobs.put('chunks', name, bytes);
  const counted: string[] = [];
  const metrics: Metrics = { count: (metric) => void counted.push(metric), record: () => {} };
  return { world, workspaceId, packId, name, counted, metrics };
}

/** Delivers every message until none is left, as the host does; those that fail come back later. */
async function deliverAll({ world, metrics }: Rig): Promise<string[]> {
  const reports: string[] = [];
  for (let round = 0; round < 10; round++) {
    const messages = await world.deps.queue.receive('quarantine', 32, 30);
    if (messages.length === 0) break;
    for (const message of messages) {
      reports.push(await reportQuarantined({ ...world.deps, metrics }, decodeQuarantineMessage(message.body)));
      await world.deps.queue.remove('quarantine', message);
    }
  }
  return reports;
}

async function namesIn({ world }: Rig, container: 'chunks' | 'quarantine'): Promise<string[]> {
  const names: string[] = [];
  for await (const name of world.blobs.list(container, '')) names.push(name);
  return names;
}

describe('a bad pack', () => {
  it('is recorded, announced and moved', async () => {
    const rig = await start();
    const { world, workspaceId, packId, name } = rig;
    assert.equal(await verifyPack(world.deps, { workspaceId, packId }), 'rejected');
    const [record] = await world.deps.metadata.quarantine.list(workspaceId, null, 10);
    const [blobName] = await namesIn(rig, 'quarantine');
    assert.deepEqual([record?.packId, record?.blobName, record?.storedBytes], [packId, blobName, badBytes.length]);
    assert.ok(blobName?.startsWith(`${name}-`));
    assert.ok(record !== undefined && record.reason.length > 0);
    assert.deepEqual(await deliverAll(rig), ['reported']);
    assert.deepEqual(rig.counted, ['tidemark.quarantine.count']);
  });

  it('is lost at no crash, whether or not the call that died had its effect', async () => {
    const { world, workspaceId, packId } = await start();
    const whole = crashing(world.deps, { after: Number.MAX_SAFE_INTEGER, effect: true });
    await verifyPack(whole.deps, { workspaceId, packId });
    assert.ok(whole.calls >= 4, String(whole.calls));
    for (let after = 0; after < whole.calls; after++) {
      for (const effect of [false, true]) {
        const rig = await start();
        const { deps } = crashing(rig.world.deps, { after, effect });
        const what = `crash ${effect ? 'after' : 'before'} call ${after}`;
        await assert.rejects(verifyPack(deps, rig), Crash, what);
        // Somebody looks again: the event that comes again, a commit, the change feed. And the queue delivers.
        await verifyPack(rig.world.deps, rig);
        const reports = await deliverAll(rig);
        const records = await rig.world.deps.metadata.quarantine.list(rig.workspaceId, null, 10);
        assert.deepEqual(await namesIn(rig, 'chunks'), [], what);
        assert.deepEqual(
          records.map(({ blobName }) => blobName),
          await namesIn(rig, 'quarantine'),
          what,
        );
        assert.equal(records.length, 1, what);
        assert.ok(reports.includes('reported') && !reports.includes('gone'), what);
      }
    }
  });

  it('is moved by its message alone, when nobody looks again', async () => {
    const rig = await start();
    const { world, workspaceId, packId } = rig;
    const noMove = { ...world.deps, blobs: failingMove(world) };
    await assert.rejects(verifyPack(noMove, { workspaceId, packId }));
    assert.equal((await namesIn(rig, 'chunks')).length, 1);
    assert.deepEqual(await deliverAll(rig), ['reported', 'reported']);
    assert.deepEqual([(await namesIn(rig, 'chunks')).length, (await namesIn(rig, 'quarantine')).length], [0, 1]);
  });

  it('that went away otherwise leaves no record, and its message is dropped', async () => {
    const rig = await start();
    const { world, workspaceId, packId, name } = rig;
    await assert.rejects(verifyPack({ ...world.deps, blobs: failingMove(world) }, { workspaceId, packId }));
    const { etag } = (await world.blobs.head('chunks', name))!;
    await world.blobs.deleteIfMatch('chunks', name, etag);
    assert.deepEqual(await deliverAll(rig), ['gone']);
    assert.deepEqual(await world.deps.metadata.quarantine.list(workspaceId, null, 10), []);
    assert.deepEqual(rig.counted, []);
  });

  it('is recorded again from its message when the record was lost', async () => {
    const rig = await start();
    const { world, workspaceId, packId } = rig;
    await verifyPack(world.deps, { workspaceId, packId });
    const [record] = await world.deps.metadata.quarantine.list(workspaceId, null, 10);
    await world.deps.metadata.quarantine.remove(workspaceId, record!.blobName);
    await deliverAll(rig);
    assert.deepEqual(await world.deps.metadata.quarantine.list(workspaceId, null, 10), [record]);
  });
});

describe('a message of the queue', () => {
  it('is not believed: it moves no good pack', async () => {
    const rig = await start(pack.bytes);
    const { world, workspaceId, packId, name } = rig;
    const { etag } = (await world.blobs.head('chunks', name))!;
    const lie = { workspaceId, packId, blobName: `${name}-${etag}`, reason: 'a lie', foundMs: 1, storedBytes: 1 };
    assert.equal(await reportQuarantined({ ...world.deps, metrics: rig.metrics }, lie), 'gone');
    assert.deepEqual([await namesIn(rig, 'chunks'), await namesIn(rig, 'quarantine')], [[name], []]);
    assert.equal(await verifyPack(world.deps, { workspaceId, packId }), 'verified');
  });

  it('comes back while the pack cannot be moved', async () => {
    const rig = await start();
    const { world, workspaceId, packId } = rig;
    const deps = { ...world.deps, metrics: rig.metrics, blobs: failingMove(world) };
    await assert.rejects(verifyPack(deps, { workspaceId, packId }));
    const [message] = await world.deps.queue.receive('quarantine', 1, 30);
    await assert.rejects(reportQuarantined(deps, decodeQuarantineMessage(message!.body)));
  });

  it('is decoded strictly', () => {
    const workspaceId = '0'.repeat(32) as WorkspaceId;
    const blobName = `${packBlobName(workspaceId, pack.packId)}-0x8DC0`;
    const record = { workspaceId, packId: pack.packId, blobName, reason: 'r', foundMs: 1, storedBytes: 2 };
    assert.deepEqual(decodeQuarantineMessage(encodeQuarantineMessage(record)), record);
    assert.deepEqual(decodeQuarantineMessage(JSON.parse(encodeQuarantineMessage(record))), record);
    const other = `${packBlobName(workspaceId, blake3Digest(utf8('other')))}-1`;
    const wrong: unknown[] = [
      'no json',
      null,
      [],
      7,
      {},
      { ...record, extra: 1 },
      { ...record, foundMs: -1 },
      { ...record, storedBytes: 1.5 },
      { ...record, workspaceId: 'x' },
      { ...record, blobName: other },
      { ...record, blobName: `${blobName}/../x` },
      { ...record, reason: '' },
      { ...record, reason: 'r'.repeat(2_000) },
      Object.assign(Object.create({ reason: 'r' }), { ...record, reason: undefined }),
    ];
    for (const raw of wrong) assert.throws(() => decodeQuarantineMessage(raw), { code: 'malformed' });
  });
});

function failingMove(world: TestWorld): TestWorld['blobs'] {
  return new Proxy(world.blobs, {
    get(target, property) {
      if (property === 'moveIfMatch') return () => Promise.reject(new Error('the process died'));
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
