/** Packs are believed only after every byte was hashed; bad ones go to quarantine and can never be referred to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type Digest, digestsToColumn } from '../../shared/core/ids.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import { type PackVerification, verifyPack } from '../../shared/services/verify-pack.ts';
import { must, mustFail } from '../api/world/calls.ts';
import { TestDevice, createWorkspaceAs, putOperation } from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';

async function start(): Promise<{ world: TestWorld; ann: TestDevice }> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  return { world, ann: await TestDevice.register(world, 'ann', workspaceId, 'laptop') };
}

function packOf(...chunks: readonly Uint8Array[]): { readonly packId: Digest; readonly bytes: Uint8Array } {
  return buildPack(nodeCodecs, digestsToColumn(chunks.map(blake3Digest)), (i) => chunks[i]!);
}

async function names(blobs: BlobStore, container: 'chunks' | 'quarantine'): Promise<string[]> {
  const found: string[] = [];
  for await (const name of blobs.list(container, '')) found.push(name);
  return found;
}

const good = utf8('good bytes');
const text = 'good bytes';

describe('verification', () => {
  it('of wrong bytes under a planned name quarantines them; nothing can refer to them', async () => {
    const { world, ann } = await start();
    const session = await must(ann.openSession([good]));
    const [plan] = session.packs;
    assert.ok(plan);
    assert.equal((await ann.putBlob(plan.url, packOf(utf8('evil bytes')).bytes)).status, 201);
    const { workspaceId } = ann;
    assert.equal(await verifyPack(world.deps, { workspaceId, packId: plan.packId }), 'rejected');
    assert.deepEqual(await names(world.blobs, 'chunks'), []);
    assert.equal((await names(world.blobs, 'quarantine')).length, 1);
    const sessions = [session.sessionId];
    for (const content of [text, 'evil bytes']) {
      const put = putOperation({ node: 'a', name: 'a', text: content });
      const problem = await mustFail(ann.send(ann.request([put], { sessions })), 'missing-chunks');
      assert.deepEqual(problem['missing'], [blake3Digest(utf8(content))]);
    }
    const { outcomes } = await ann.commitPut({ node: 'a', name: 'a', text });
    assert.equal(outcomes[0]?.status, 'applied', 'good bytes go up under the name that is free again');
  });

  it('happens in the commit when the event is late, for good and for bad packs alike', async () => {
    const { world, ann } = await start();
    const session = await must(ann.openSession([good]));
    await ann.putBlob(session.packs[0]!.url, utf8('no pack at all'));
    const put = putOperation({ node: 'a', name: 'a', text });
    const request = ann.request([put], { sessions: [session.sessionId] });
    await mustFail(ann.send(request), 'missing-chunks');
    assert.equal((await names(world.blobs, 'quarantine')).length, 1);
    assert.ok(world.logged.some((line) => line.startsWith('a pack is not what its name says')));
  });

  it('is the same however often and at once it runs', async () => {
    const { world, ann } = await start();
    const { session } = await ann.upload(good);
    const pack = { workspaceId: ann.workspaceId, packId: session.packs[0]!.packId };
    const runs = await Promise.all(Array.from({ length: 5 }, () => verifyPack(world.deps, pack)));
    assert.deepEqual(new Set(runs), new Set(['verified']));
    assert.equal(await verifyPack(world.deps, pack), 'verified');
  });

  it('of a pack that is not there says so', async () => {
    const { world, ann } = await start();
    const pack = { workspaceId: ann.workspaceId, packId: packOf(good).packId };
    assert.equal(await verifyPack(world.deps, pack), 'missing');
  });

  it('of an old incarnation never moves away the good one that was uploaded meanwhile', async () => {
    const { world, ann } = await start();
    const { workspaceId } = ann;
    const { packId, bytes } = packOf(good);
    const name = packBlobName(workspaceId, packId);
    await world.blobs.put('chunks', name, utf8('bad bytes'));
    const { etag } = (await world.blobs.head('chunks', name))!;
    const slow = interposed(world.blobs, {
      async moveIfMatch(...args) {
        // Another run has quarantined it already, and somebody has uploaded what belongs there.
        await world.blobs.moveIfMatch('chunks', name, etag, 'quarantine');
        await world.blobs.put('chunks', name, bytes);
        return world.blobs.moveIfMatch(...args);
      },
    });
    assert.equal(await verifyPack({ ...world.deps, blobs: slow }, { workspaceId, packId }), 'changed');
    assert.deepEqual(await names(world.blobs, 'chunks'), [name]);
    assert.equal(await verifyPack(world.deps, { workspaceId, packId }), 'verified');
  });

  it('does not record what was deleted while it was read', async () => {
    const { world, ann } = await start();
    const { workspaceId } = ann;
    const { packId, bytes } = packOf(good);
    const name = packBlobName(workspaceId, packId);
    await world.blobs.put('chunks', name, bytes);
    const gone = interposed(world.blobs, { head: () => Promise.resolve(undefined) });
    assert.equal(await verifyPack({ ...world.deps, blobs: gone }, { workspaceId, packId }), 'changed');
    const [known] = await world.deps.metadata.chunks.hasPacks(workspaceId, digestsToColumn([packId]));
    assert.equal(known, false);
  });

  for (const failure of ['fails', 'ends early'] as const) {
    it(`quarantines nothing when reading ${failure}`, async () => {
      const { world, ann } = await start();
      const { workspaceId } = ann;
      const { packId, bytes } = packOf(good);
      await world.blobs.put('chunks', packBlobName(workspaceId, packId), bytes);
      async function* pieces(): AsyncGenerator<Uint8Array> {
        yield bytes.slice(0, 10);
        if (failure === 'fails') throw new Error('EIO');
      }
      const broken = interposed(world.blobs, {
        async open(container, name) {
          const blob = await world.blobs.open(container, name);
          return blob === undefined ? undefined : { ...blob, pieces: pieces() };
        },
      });
      await assert.rejects(verifyPack({ ...world.deps, blobs: broken }, { workspaceId, packId }), {
        code: 'unavailable',
      });
      assert.deepEqual(await names(world.blobs, 'quarantine'), []);
    });
  }

  it('rejects a good pack under the name of another, or of another workspace', async () => {
    const { world, ann } = await start();
    const { workspaceId } = ann;
    const other = packOf(utf8('other'));
    const { packId } = packOf(good);
    await world.blobs.put('chunks', packBlobName(workspaceId, packId), other.bytes);
    const verification: PackVerification = await verifyPack(world.deps, { workspaceId, packId });
    assert.equal(verification, 'rejected');
    const bobs = await createWorkspaceAs(world, 'bob');
    await ann.upload(good);
    const pack = { workspaceId: bobs.workspaceId, packId };
    assert.equal(await verifyPack(world.deps, pack), 'missing', 'a name belongs to one workspace');
  });
});

function interposed(blobs: BlobStore, change: Partial<BlobStore>): BlobStore {
  return new Proxy(blobs, {
    get(target, property) {
      const value: unknown = Reflect.get(Object.hasOwn(change, property) ? change : target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
