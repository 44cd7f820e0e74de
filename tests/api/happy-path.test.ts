import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { digestsToColumn, parseDigestColumn } from '../../shared/core/ids.ts';
import { assembleManifest, buildManifest, decodeManifest } from '../../shared/core/manifest/manifest.ts';
import { decodeFrame } from '../../shared/core/pack/pack-reader.ts';
import { downloadSessionRequest, downloadSessionResponse } from '../../shared/core/wire/download-session.ts';
import { firstChain, headSignedBytes, nextChain } from '../../shared/core/wire/journal-entry.ts';
import { manifestReadRequest, manifestReadResponse } from '../../shared/core/wire/manifest-read.ts';
import { workspaceList, workspaceView } from '../../shared/core/wire/workspace.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { parsePackBlobName } from '../../shared/services/pack-name.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { call, must } from './world/calls.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, nodeOf, noHashes, putOperation } from './world/test-device.ts';
import { type TestWorld, createTestWorld, countedRandomness } from './world/test-world.ts';

const random = countedRandomness('happy path');

/** What the Event Grid trigger does: one call for each blob that was created. */
async function deliverBlobEvents(world: TestWorld): Promise<void> {
  for await (const name of world.blobs.list('chunks', '')) {
    const pack = parsePackBlobName(name);
    assert.ok(pack);
    assert.equal(await verifyPack(world.deps, pack), 'verified');
  }
}

void test('a file of several chunks goes up, is committed, listed, read and rebuilt to the byte', async () => {
  const world = createTestWorld();
  const workspace = await createWorkspaceAs(world, 'ann');
  assert.deepEqual([workspace.seq, workspace.role, workspace.region], [0, 'owner', 'test-region']);
  const device = await TestDevice.register(world, 'ann', workspace.workspaceId, "Ann's laptop");

  const chunks = [random.bytes(3_000), utf8('text '.repeat(2_000)), random.bytes(200)];
  const lengths = Uint32Array.from(chunks, (chunk) => chunk.length);
  const { session, hashes } = await device.upload(...chunks);
  assert.deepEqual(session.missing, [0, 1, 2]);
  await deliverBlobEvents(world);

  const built = buildManifest(1, { hashes: digestsToColumn(hashes), lengths });
  const put = { ...putOperation({ node: 'film', name: 'film.mp4', text: '', in: nodeOf('docs') }) };
  assert.ok(put.kind === 'put' && built.manifest);
  const operations = [mkdirOperation('docs', 'docs'), { ...put, content: built.root, size: built.size }];
  const manifests = [{ root: built.root, manifest: built.manifest }];
  const { head, outcomes } = await must(device.send(device.request(operations, { manifests })));
  assert.deepEqual(
    outcomes.map(({ status, name }) => [status, name]),
    [
      ['applied', 'docs'],
      ['applied', 'film.mp4'],
    ],
  );
  assert.equal(head?.seq, 1);

  const changes = await must(device.changes());
  assert.deepEqual([changes.headSeq, changes.more, changes.entries.length], [1, false, 1]);
  const entry = changes.entries[0]!;
  assert.equal(entry.root, head.root);
  assert.equal(nextChain(firstChain(workspace.workspaceId), entry), entry.chain);
  const keys = await world.api.handle(new Request('https://tidemark.test/.well-known/tidemark-keys.json'));
  const { keys: jwks } = (await keys.json()) as { keys: { kid: string }[] };
  const jwk = jwks.find(({ kid }) => kid === entry.keyId);
  assert.ok(jwk);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(verify(null, headSignedBytes(workspace.workspaceId, entry), key, entry.signature));

  assert.deepEqual([...(await device.list()).keys()], ['docs']);
  const film = (await device.list('/docs')).get('film.mp4');
  assert.ok(film?.kind === 'file');

  const read = { workspaceId: workspace.workspaceId, roots: digestsToColumn([film.content]), segments: noHashes };
  const manifestReply = await must(
    call(world.api, {
      token: 'ann',
      path: '/manifest/read',
      request: [manifestReadRequest, read],
      response: manifestReadResponse,
    }),
  );
  const manifest = decodeManifest(manifestReply.manifests[0]!);
  const list = assembleManifest(film.content, manifest, () => undefined);
  assert.deepEqual(await download(world, device, list.hashes), concatBytes(...chunks));
});

async function download(world: TestWorld, device: TestDevice, hashes: Uint8Array): Promise<Uint8Array> {
  const value = { workspaceId: device.workspaceId, hashes: parseDigestColumn(hashes) };
  const reply = await call(world.api, {
    token: device.person,
    path: '/download/session',
    request: [downloadSessionRequest, value],
    response: downloadSessionResponse,
  });
  assert.ok(reply.ok);
  assert.equal(reply.response.headers.get('cache-control'), 'no-store');
  const plan = reply.value;
  const pieces: Uint8Array[] = [];
  for (const [i, pack] of plan.pack.entries()) {
    const from = plan.frameOffset[i]!;
    const range = `bytes=${from}-${from + plan.frameStored[i]! - 1}`;
    const part = await world.blobs.fetch(new Request(plan.packs[pack]!.url, { headers: { range } }));
    assert.equal(part.status, 206);
    const stored = new Uint8Array(await part.arrayBuffer());
    const plain = decodeFrame(nodeCodecs, plan.codec[i]!, stored, plan.frameRaw[i]!);
    pieces.push(plain.subarray(plan.offset[i], plan.offset[i]! + plan.length[i]!));
  }
  return concatBytes(...pieces);
}

void test('a commit whose blob events were all lost verifies the packs itself', async () => {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const device = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const { head } = await device.commitPut({ node: 'a', name: 'a.txt', text: 'hello' });
  assert.equal(head?.seq, 1);
  assert.equal((await device.list()).get('a.txt')?.kind, 'file');
  const again = await device.upload(utf8('hello'));
  assert.deepEqual([again.session.missing, again.session.packs], [[], []], 'what is known is not asked for again');
});

void test('the same token gives the same workspace and device, to the same user only', async () => {
  const world = createTestWorld();
  const first = await createWorkspaceAs(world, 'ann');
  assert.deepEqual(await createWorkspaceAs(world, 'ann'), first);
  const other = await createWorkspaceAs(world, 'bob');
  assert.notEqual(other.workspaceId, first.workspaceId);
  const mine = await must(call(world.api, { token: 'ann', path: '/workspaces', response: workspaceList }));
  assert.deepEqual(mine.workspaces, [first]);
  const one = await must(
    call(world.api, { token: 'ann', path: `/workspaces/${first.workspaceId}`, response: workspaceView }),
  );
  assert.deepEqual(one, first);
  const a = await TestDevice.register(world, 'ann', first.workspaceId, 'laptop');
  const b = await TestDevice.register(world, 'ann', first.workspaceId, 'laptop');
  assert.equal(a.deviceId, b.deviceId);
});

void test('an empty file needs no upload', async () => {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const device = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  await device.commitPut({ node: 'empty', name: 'empty', text: '' });
  const entry = (await device.list()).get('empty');
  assert.ok(entry?.kind === 'file' && entry.size === 0 && entry.content === blake3Digest(new Uint8Array(0)));
});

void test('edits too large for a row of metadata travel as a blob and come back in the entry', async () => {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const device = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const operations = Array.from({ length: 2_500 }, (_, i) => mkdirOperation(`f${i}`, `folder ${i} ${'x'.repeat(80)}`));
  const { outcomes } = await device.commit(...operations);
  assert.ok(outcomes.every(({ status }) => status === 'applied'));
  let blobs = 0;
  for await (const name of world.blobs.list('manifests', `${workspaceId}/edits/`)) blobs += name.length > 0 ? 1 : 0;
  assert.equal(blobs, 1);
  const { entries } = await must(device.changes());
  assert.equal(entries[0]?.edits.length, 2_500);
  assert.equal(nextChain(firstChain(workspaceId), entries[0]), entries[0].chain);
});
