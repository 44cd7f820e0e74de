/** Packs that come in blocks: promoted, verified as every other, and told by the session's status while they are under way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3, blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type Digest, type SessionId, digestsToColumn } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import { type UploadSessionStatus, uploadSessionStatus } from '../../shared/core/wire/upload-status.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { packBlobName, stagedPackName } from '../../shared/services/pack-name.ts';
import { sweep } from '../../shared/services/sweep.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { verifyStagedPack, verifyStagedPackOfSession } from '../../shared/services/verify-staged-pack.ts';
import { type Reply, call, must, mustFail } from '../api/world/calls.ts';
import { TestDevice, createWorkspaceAs, putOperation } from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';
import { listAll } from '../contracts/collect.ts';

const text = 'good bytes';
const good = utf8(text);

interface Started {
  readonly world: TestWorld;
  readonly ann: TestDevice;
  readonly sessionId: SessionId;
  readonly packId: Digest;
  /** Of the pack that the session planned, and its name in `staging`. */
  readonly bytes: Uint8Array;
  readonly staged: string;
}

async function start(): Promise<Started> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const { sessionId } = await must(ann.openSession([good]));
  const { packId, bytes } = buildPack(nodeCodecs, digestsToColumn([blake3Digest(good)]), () => good);
  return { world, ann, sessionId, packId, bytes, staged: stagedPackName({ workspaceId, sessionId, packId }) };
}

function ask(
  { world, ann, sessionId }: Pick<Started, 'world' | 'ann' | 'sessionId'>,
  more = '&staged=true',
  token = 'ann',
): Promise<Reply<UploadSessionStatus>> {
  const path = `/upload/session/${sessionId}?workspace=${ann.workspaceId}${more}`;
  return call(world.api, { token, path, response: uploadSessionStatus });
}

async function onlyPack(started: Started, more?: string) {
  const status = await must(ask(started, more));
  assert.equal(status.packs.length, 1);
  assert.equal(status.packs[0]!.packId, started.packId);
  return status.packs[0]!;
}

async function putBlock(world: TestWorld, url: string, bytes: Uint8Array): Promise<number> {
  const id = encodeURIComponent(Buffer.from(blake3(bytes)).toString('base64'));
  const target = `${url}&comp=block&blockid=${id}`;
  const init = { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer> };
  return (await world.blobs.fetch(new Request(target, init))).status;
}

async function putList(world: TestWorld, url: string, blocks: readonly Uint8Array[]): Promise<number> {
  const ids = blocks.map((bytes) => `<Latest>${Buffer.from(blake3(bytes)).toString('base64')}</Latest>`).join('');
  const init = { method: 'PUT', body: `<BlockList>${ids}</BlockList>` };
  return (await world.blobs.fetch(new Request(`${url}&comp=blocklist`, init))).status;
}

/** The whole way, in two blocks; nothing has looked at it then. */
async function stagePack(started: Started, bytes = started.bytes): Promise<void> {
  const { url } = await onlyPack(started);
  const blocks = [bytes.subarray(0, 20), bytes.subarray(20)];
  for (const block of blocks) assert.equal(await putBlock(started.world, url!, block), 201);
  assert.equal(await putList(started.world, url!, blocks), 201);
}

function commit({ ann, sessionId }: Started) {
  const put = putOperation({ node: 'a', name: 'a', text });
  return ann.send(ann.request([put], { sessions: [sessionId] }));
}

describe('the status of an upload session', () => {
  it('goes from missing over staged and uploaded to verified', async () => {
    const started = await start();
    const { world, ann, packId, bytes } = started;
    const first = await onlyPack(started);
    assert.deepEqual([first.state, first.blocks], ['missing', []]);
    const block = bytes.subarray(0, 20);
    assert.equal(await putBlock(world, first.url!, block), 201);
    const second = await onlyPack(started);
    assert.deepEqual([second.state, second.blocks], ['staged', [{ hash: blake3Digest(block), bytes: 20 }]]);
    await stagePack(started);
    assert.deepEqual(await onlyPack(started), { packId, state: 'uploaded', url: null, blocks: [] });
    await verifyStagedPack(world.deps, { workspaceId: ann.workspaceId, sessionId: started.sessionId, packId });
    assert.deepEqual(await onlyPack(started), { packId, state: 'verified', url: null, blocks: [] });
  });

  it('gives create-only URLs when no staged ones are asked for', async () => {
    const started = await start();
    for (const more of ['', '&staged=false']) {
      const { url } = await onlyPack(started, more);
      assert.match(url!, /chunks\/.*sp=c&/);
    }
    const { url } = await onlyPack(started, '');
    assert.equal((await started.ann.putBlob(url!, started.bytes)).status, 201);
    assert.equal((await onlyPack(started, '')).state, 'uploaded');
  });

  it('says rejected after bad bytes, until others are there', async () => {
    const started = await start();
    const { world, ann, packId } = started;
    await stagePack(started, utf8('bytes that are no pack, and more of them'));
    const pack = { workspaceId: ann.workspaceId, sessionId: started.sessionId, packId };
    assert.equal(await verifyStagedPack(world.deps, pack), 'rejected');
    const { state, url } = await onlyPack(started);
    assert.equal(state, 'rejected');
    assert.ok(url);
    await stagePack(started);
    assert.equal((await onlyPack(started)).state, 'uploaded');
  });

  it('does not hold against a new session what an older one was rejected for', async () => {
    const started = await start();
    const { world, ann, packId } = started;
    await world.blobs.put('chunks', packBlobName(ann.workspaceId, packId), utf8('bad'));
    assert.equal(await verifyPack(world.deps, { workspaceId: ann.workspaceId, packId }), 'rejected');
    assert.equal((await onlyPack(started)).state, 'rejected');
    world.clock.ms += 1_000;
    const { sessionId } = await must(ann.openSession([good]));
    assert.equal((await onlyPack({ ...started, sessionId })).state, 'missing');
  });

  it('is for the user who opened it, in its workspace, while it lives', async () => {
    const started = await start();
    const { world, ann } = started;
    await mustFail(ask(started, '', 'eve'), 'not-found');
    await mustFail(ask(started, '', 'reader'), 'forbidden');
    const bobs = await createWorkspaceAs(world, 'bob');
    const bob = await TestDevice.register(world, 'bob', bobs.workspaceId, 'desk');
    await mustFail(ask({ ...started, ann: bob }, '', 'bob'), 'not-found');
    await mustFail(ask(started, '&staged=maybe'), 'malformed');
    const path = `/upload/session/${started.sessionId}`;
    await mustFail(call(world.api, { token: 'ann', path, response: uploadSessionStatus }), 'malformed');
    const other = await must(ann.openSession([utf8('x')]));
    assert.equal((await must(ask({ ...started, sessionId: other.sessionId }))).packs.length, 1);
    world.clock.ms += limits.sessionSeconds * 1_000 + 1;
    await mustFail(ask(started), 'not-found');
  });

  it('leaves out blocks that are called by anything but a hash', async () => {
    const started = await start();
    const { url } = await onlyPack(started);
    const target = `${url!}&comp=block&blockid=AAAA`;
    assert.equal((await started.world.blobs.fetch(new Request(target, { method: 'PUT', body: 'x' }))).status, 201);
    assert.deepEqual((await onlyPack(started)).blocks, []);
  });
});

describe('a staged pack', () => {
  it('is promoted and verified by the commit that needs it, and leaves nothing in staging', async () => {
    const started = await start();
    const { world, ann, packId } = started;
    await stagePack(started);
    const { outcomes } = await must(commit(started));
    assert.equal(outcomes[0]?.status, 'applied');
    assert.deepEqual(await listAll(world.blobs, 'staging', ''), []);
    assert.deepEqual(await listAll(world.blobs, 'chunks', ''), [packBlobName(ann.workspaceId, packId)]);
  });

  it('of bad bytes ends in quarantine, and nothing refers to it', async () => {
    const started = await start();
    const { world } = started;
    await stagePack(started, utf8('bytes that are no pack, and more of them'));
    await mustFail(commit(started), 'missing-chunks');
    assert.deepEqual(await listAll(world.blobs, 'chunks', ''), []);
    assert.deepEqual(await listAll(world.blobs, 'staging', ''), []);
    assert.equal((await listAll(world.blobs, 'quarantine', '')).length, 1);
    await mustFail(commit(started), 'missing-chunks');
    assert.equal((await listAll(world.blobs, 'quarantine', '')).length, 1);
  });

  it('gets its name although bad bytes of somebody else took it first', async () => {
    const started = await start();
    const { world, ann, packId } = started;
    const name = packBlobName(ann.workspaceId, packId);
    await stagePack(started);
    await world.blobs.put('chunks', name, utf8('bad'));
    const { outcomes } = await must(commit(started));
    assert.equal(outcomes[0]?.status, 'applied');
    assert.deepEqual(await world.blobs.get('chunks', name), started.bytes);
    assert.equal((await listAll(world.blobs, 'quarantine', '')).length, 1);
  });

  it('over the size of any pack is deleted unread', async () => {
    const started = await start();
    const { world, ann, packId } = started;
    await world.blobs.put(
      'staging',
      started.staged,
      new Uint8Array(limits.packBytesMax + limits.packFooterBytesMax + 65),
    );
    const pack = { workspaceId: ann.workspaceId, sessionId: started.sessionId, packId };
    assert.equal(await verifyStagedPack(world.deps, pack), 'rejected');
    assert.deepEqual(await listAll(world.blobs, 'staging', ''), []);
    assert.deepEqual(await listAll(world.blobs, 'chunks', ''), []);
    assert.equal((await onlyPack(started)).state, 'missing');
  });

  it('is verified by its event only if its session planned it', async () => {
    const started = await start();
    const { world, ann, packId, sessionId } = started;
    await stagePack(started);
    const { workspaceId } = ann;
    const other = blake3Digest(utf8('never planned'));
    await world.blobs.put('staging', stagedPackName({ workspaceId, sessionId, packId: other }), started.bytes);
    const verify = (id: Digest) => verifyStagedPackOfSession(world.deps, { workspaceId, sessionId, packId: id });
    assert.equal(await verify(other), 'missing');
    assert.equal(await verify(packId), 'verified');
    assert.equal(await verify(packId), 'missing', 'it was promoted, and a repeat finds nothing to do');
  });

  it('verified twice at once is one pack', async () => {
    const started = await start();
    const { world, ann, packId, sessionId } = started;
    await stagePack(started);
    const pack = { workspaceId: ann.workspaceId, sessionId, packId };
    const runs = await Promise.all(Array.from({ length: 5 }, () => verifyStagedPack(world.deps, pack)));
    assert.deepEqual(new Set(runs), new Set(['verified']));
    assert.deepEqual(await listAll(world.blobs, 'staging', ''), []);
    assert.deepEqual(await listAll(world.blobs, 'quarantine', ''), []);
  });

  it('that was never committed is swept when its session is long over, and no other', async () => {
    const started = await start();
    const { world } = started;
    await stagePack(started);
    world.clock.ms += limits.sessionSeconds * 1_000;
    await world.blobs.put('staging', 'w/s/young', utf8('x'));
    assert.equal((await sweep(world.deps)).staged, 0);
    world.clock.ms += 3_600_001;
    assert.equal((await sweep(world.deps)).staged, 1);
    assert.deepEqual(await listAll(world.blobs, 'staging', ''), ['w/s/young']);
  });
});
