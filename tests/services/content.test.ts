/** What a commit's content is checked for: manifests, segments, chunks, sizes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type Digest, columnDigestAt, digestsToColumn, rootNodeId } from '../../shared/core/ids.ts';
import { type BuiltManifest, buildManifest } from '../../shared/core/manifest/manifest.ts';
import type { CommitRequest } from '../../shared/core/wire/commit.ts';
import { manifestReadRequest, manifestReadResponse } from '../../shared/core/wire/manifest-read.ts';
import type { Operation } from '../../shared/core/wire/operation.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import { call, must, mustFail } from '../api/world/calls.ts';
import {
  TestDevice,
  createWorkspaceAs,
  deleteOperation,
  mkdirOperation,
  nodeOf,
  putOperation,
} from '../api/world/test-device.ts';
import { createTestWorld } from '../api/world/test-world.ts';

async function start(): Promise<TestDevice> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  return TestDevice.register(world, 'ann', workspaceId, 'laptop');
}

/** Small chunks of their own for each number. */
function chunksOf(from: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8(`chunk ${from + i}`));
}

function manifestOf(chunks: readonly Uint8Array[], lengths = chunks.map((chunk) => chunk.length)): BuiltManifest {
  return buildManifest(1, { hashes: digestsToColumn(chunks.map(blake3Digest)), lengths: Uint32Array.from(lengths) });
}

function putOf(built: BuiltManifest, node = 'big'): Operation {
  const put = putOperation({ node, name: node, text: '' });
  return put.kind === 'put' ? { ...put, content: built.root, size: built.size } : put;
}

function sent(built: BuiltManifest): Pick<CommitRequest, 'manifests' | 'segments'> {
  return {
    manifests: [{ root: built.root, manifest: built.manifest! }],
    segments: [...built.segments].map(([hash, segment]) => ({ hash, segment })),
  };
}

describe('a file of many chunks', () => {
  it('is not committed again by its stored manifest once storage has lost a pack of it, until that is uploaded again', async () => {
    const ann = await start();
    const chunks = chunksOf(0, 300);
    const built = manifestOf(chunks);
    const { session } = await ann.upload(...chunks);
    const sessions = [session.sessionId];
    await must(ann.send(ann.request([putOf(built)], { sessions, ...sent(built) })));
    const { chunks: index } = ann.world.deps.metadata;
    for (const { packId } of session.packs) {
      const name = packBlobName(ann.workspaceId, packId);
      await ann.world.deps.blobs.deleteMany('chunks', [name]);
      await index.forgetPack(ann.workspaceId, packId);
    }
    const copy = putOf(built, 'copy');
    await mustFail(ann.send(ann.request([copy])), 'missing-chunks');

    const again = await ann.upload(...chunks);
    const request = ann.request([copy], { sessions: [again.session.sessionId] });
    assert.equal((await must(ann.send(request))).outcomes[0]?.status, 'applied');
  });

  it('goes in with its manifest and segments; the next version sends only the segments that changed', async () => {
    const ann = await start();
    const chunks = chunksOf(0, 1_500);
    const first = manifestOf(chunks);
    assert.ok(first.segments.size > 2, 'the example has several segments');
    const { session } = await ann.upload(...chunks);
    const sessions = [session.sessionId];
    const committed = await must(ann.send(ann.request([putOf(first)], { sessions, ...sent(first) })));
    assert.equal(committed.outcomes[0]?.status, 'applied');

    const added = utf8('one more chunk');
    const second = manifestOf([...chunks, added]);
    const fresh = [...second.segments.keys()].filter((hash) => !first.segments.has(hash));
    assert.equal(fresh.length, 1);
    const upload = await ann.upload(added);
    const segments = fresh.map((hash) => ({ hash, segment: second.segments.get(hash)! }));
    const put = putOf(second);
    assert.ok(put.kind === 'put');
    const request = ann.request([{ ...put, base: committed.outcomes[0].version }], {
      sessions: [upload.session.sessionId],
      manifests: sent(second).manifests,
      segments,
    });
    assert.equal((await must(ann.send(request))).outcomes[0]?.status, 'applied');

    const value = {
      workspaceId: ann.workspaceId,
      roots: digestsToColumn([second.root, blake3Digest(utf8('unknown'))]),
      segments: digestsToColumn([...second.segments.keys()]),
    };
    const read = await must(
      call(ann.world.api, {
        token: 'ann',
        path: '/manifest/read',
        request: [manifestReadRequest, value],
        response: manifestReadResponse,
      }),
    );
    assert.deepEqual(read.manifests, [second.manifest, null]);
    assert.deepEqual(read.segments, [...second.segments.values()]);
  });

  it('needs its manifest once: a second file of the same content only names the root', async () => {
    const ann = await start();
    const built = manifestOf(chunksOf(0, 3));
    const { session } = await ann.upload(...chunksOf(0, 3));
    await must(ann.send(ann.request([putOf(built, 'one')], { sessions: [session.sessionId], ...sent(built) })));
    const { outcomes } = await ann.commit(putOf(built, 'two'));
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.nodeId], ['applied', nodeOf('two')]);
  });
});

describe('content that is not right', () => {
  it('is missing while a chunk, a segment or the manifest is', async () => {
    const ann = await start();
    const chunks = chunksOf(0, 1_500);
    const built = manifestOf(chunks);
    const request = ann.request([putOf(built)]);
    const noManifest = await mustFail(ann.send(request), 'missing-chunks');
    assert.deepEqual(noManifest['missing'], [built.root]);
    const noChunks = await mustFail(ann.send({ ...request, ...sent(built) }), 'missing-chunks');
    assert.deepEqual([noChunks['count'], (noChunks['missing'] as Digest[]).length], [1_500, 1_000]);
    const { session } = await ann.upload(...chunks.slice(1));
    const all = { ...request, ...sent(built), sessions: [session.sessionId] };
    const oneShort = await mustFail(ann.send(all), 'missing-chunks');
    assert.deepEqual(oneShort['missing'], [blake3Digest(chunks[0]!)]);
    const [[firstSegment]] = [...built.segments] as [[Digest, Uint8Array]];
    const { session: last } = await ann.upload(chunks[0]!);
    const sessions = [session.sessionId, last.sessionId];
    const short = { ...all, sessions, segments: all.segments.slice(1) };
    assert.deepEqual((await mustFail(ann.send(short), 'missing-chunks'))['missing'], [firstSegment]);
    assert.equal((await must(ann.send({ ...all, sessions }))).outcomes[0]?.status, 'applied');
  });

  it('that two files lack is missing for both, not only for the first', async () => {
    const ann = await start();
    const [a, b, c] = [utf8('a'), utf8('b'), utf8('c')];
    const { session } = await ann.upload(b, c);
    const one = manifestOf([a, b]);
    const two = manifestOf([a, c]);
    const manifests = [...sent(one).manifests, ...sent(two).manifests];
    const operations = [putOf(one, 'one'), putOf(two, 'two')];
    const request = ann.request(operations, { sessions: [session.sessionId], manifests });
    assert.deepEqual((await mustFail(ann.send(request), 'missing-chunks'))['missing'], [blake3Digest(a)]);
    await mustFail(ann.send(ann.request([operations[1]!])), 'missing-chunks');
  });

  it('is malformed when it contradicts itself', async () => {
    const ann = await start();
    const chunks = chunksOf(0, 3);
    const good = manifestOf(chunks);
    const { session } = await ann.upload(...chunks);
    const sessions = [session.sessionId];
    const refuse = async (operation: Operation, more: Partial<CommitRequest>): Promise<void> => {
      await mustFail(ann.send(ann.request([operation], { sessions, ...more })), 'malformed');
    };
    const put = putOf(good);
    assert.ok(put.kind === 'put');
    await refuse({ ...put, size: good.size + 1 }, sent(good));
    await refuse(put, { manifests: [{ root: good.root, manifest: manifestOf(chunks.slice(1)).manifest! }] });
    const reordered = manifestOf([...chunks].reverse());
    await refuse(put, { manifests: [{ root: good.root, manifest: reordered.manifest! }] });
    const [x, y, z] = chunks.map((chunk) => chunk.length) as [number, number, number];
    const shifted = manifestOf(chunks, [x + 1, y - 1, z]);
    assert.equal(shifted.root, good.root, 'a root does not bind lengths: the index does');
    await refuse(put, sent(shifted));
    await refuse(putOperation({ node: 'e', name: 'e', text: '' }), sent(good));
    const segment = utf8('no segment');
    await refuse(put, {
      ...sent(good),
      segments: [{ hash: columnDigestAt(digestsToColumn([good.root]), 0), segment }],
    });
    await refuse(put, { manifests: [{ root: good.root, manifest: concatBytes(good.manifest!, Uint8Array.of(0)) }] });
    assert.equal(
      (await must(ann.send(ann.request([put], { sessions, ...sent(good) })))).outcomes[0]?.status,
      'applied',
    );
  });

  it('L27: cannot come from the session of somebody else, or of another workspace', async () => {
    const ann = await start();
    const other = await createWorkspaceAs(ann.world, 'ann', { token: 'other' });
    const elsewhere = await TestDevice.register(ann.world, 'ann', other.workspaceId, 'laptop');
    const { session } = await elsewhere.upload(utf8('content'));
    const put = putOperation({ node: 'a', name: 'a', text: 'content' });
    await mustFail(ann.send(ann.request([put], { sessions: [session.sessionId] })), 'missing-chunks');
  });
});

async function startCounting(): Promise<{ ann: TestDevice; calls: { count: number } }> {
  const calls = { count: 0 };
  const world = createTestWorld({
    adapt: (deps) => {
      const { objects } = deps.metadata;
      const counted = {
        getObjects: (...args: Parameters<typeof objects.getObjects>) => {
          calls.count++;
          return objects.getObjects(...args);
        },
        putObjects: (...args: Parameters<typeof objects.putObjects>) => objects.putObjects(...args),
      };
      return { ...deps, metadata: { ...deps.metadata, objects: counted } };
    },
  });
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  return { ann: await TestDevice.register(world, 'ann', workspaceId, 'laptop'), calls };
}

describe('a large commit', () => {
  const empty = (node: string, parent = rootNodeId): Operation =>
    putOperation({ node, name: node.replace(/^.*:/, ''), text: '', in: parent });

  it('asks the store some times for each level of the map, not once for each operation', async () => {
    const { ann, calls } = await startCounting();
    const operations = Array.from({ length: 3_000 }, (_, i) => empty(`n${i}`));
    await ann.commit(...operations);
    const { outcomes } = await ann.commit(empty('x'));
    calls.count = 0;
    const { version } = outcomes[0]!;
    const gone = await ann.commit(...operations.map(({ nodeId }) => deleteOperation(nodeId, version)));
    assert.ok(gone.outcomes.every(({ status }) => status === 'applied'));
    assert.ok(calls.count <= 20, `${calls.count} calls`);
    assert.deepEqual([...(await ann.list()).keys()], ['x']);
  });

  it('of a device that joins with all of it asks no more often, and changes nothing', async () => {
    const { ann, calls } = await startCounting();
    /** Folders within folders, a hundred and fifty files in each; all ids of the device's own. */
    const treeOf = (device: string): Operation[] =>
      Array.from({ length: 40 }, (_, i) => {
        const parent = i < 4 ? rootNodeId : nodeOf(`${device}:${i - 4}`);
        const files = Array.from({ length: 150 }, (_, j) => empty(`${device}${i}:${j}`, nodeOf(`${device}:${i}`)));
        return [mkdirOperation(`${device}:${i}`, `folder ${i}`, parent), ...files];
      }).flat();
    await ann.commit(...treeOf('one'));
    calls.count = 0;
    const { head, outcomes } = await ann.commit(...treeOf('two'));
    assert.ok(outcomes.every(({ status }) => status === 'agreed'));
    assert.equal(head?.seq, 1);
    assert.ok(calls.count <= 30, `${calls.count} calls`);
  });

  it('with the same content under many names needs one chunk', async () => {
    const ann = await start();
    const { session } = await ann.upload(utf8('same'));
    const operations = Array.from({ length: 500 }, (_, i) =>
      putOperation({ node: `n${i}`, name: `n${i}`, text: 'same' }),
    );
    const reply = await must(ann.send(ann.request(operations, { sessions: [session.sessionId] })));
    assert.ok(reply.outcomes.every(({ status }) => status === 'applied'));
  });
});
