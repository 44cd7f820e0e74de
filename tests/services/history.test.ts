/** What a workspace was: the versions of nodes, trees at a point, the Merkle exchange, proofs, and SHA-256 on demand. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type ApiClient, createApiClient } from '../../client/sdk/api-client.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { bytesToHex, concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { type ErrorCode, isTidemarkError } from '../../shared/core/errors.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type NodeId, columnToDigests, digestsToColumn, parseDigest, parseUserId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { buildManifest } from '../../shared/core/manifest/manifest.ts';
import { MemoryNodeSource, OverlayNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { emptyMapRoot, mapScan } from '../../shared/core/merkle/map-read.ts';
import { decodeEntry, encodeEntry } from '../../shared/core/tree/entry.ts';
import type { NodeVersion } from '../../shared/core/wire/node-versions.ts';
import type { Scope } from '../../shared/ports/token-verifier.ts';
import type { VersionStore } from '../../shared/ports/version-store.ts';
import { projectAllVersions } from '../../shared/services/project-all-versions.ts';
import { projectVersions } from '../../shared/services/project-versions.ts';
import { verifyContent } from '../../shared/services/verify-content.ts';
import { must } from '../api/world/calls.ts';
import {
  TestDevice,
  deleteOperation,
  inRoot,
  mkdirOperation,
  moveOperation,
  nodeOf,
  putOperation,
} from '../api/world/test-device.ts';
import { userOf } from '../api/world/test-world.ts';
import { HistoryWorld, type Nodes, type Step, step } from './random-history.ts';

function clientOf(history: HistoryWorld, person = 'ann'): ApiClient {
  return createApiClient({
    baseUrl: 'https://tidemark.test/api',
    transport: (request) => history.world.api.handle(request),
    tokens: { token: () => Promise.resolve(person), renew: () => Promise.reject(new Error('refused')) },
    lz4: nodeCodecs.lz4,
    waiter: { sleep: () => Promise.resolve(), random: () => 0 },
    now: () => 0,
    retry: { attempts: 1, baseMs: 1, capMs: 1, retryAfterMaxMs: 1 },
  });
}

const refused = (work: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(work, (error) => isTidemarkError(error, code));

async function historyOf(steps: readonly Step[]): Promise<HistoryWorld> {
  const history = await HistoryWorld.open();
  for (const next of steps) await history.commit(next);
  return history;
}

/** What a reader of all trees would say happened to each node: place and entry after each seq that changed it. */
async function naiveVersions(history: HistoryWorld): Promise<Map<NodeId, string[]>> {
  const found = new Map<NodeId, string[]>();
  let before: Nodes = new Map();
  for (const [seq, root] of (await history.roots()).entries()) {
    const now = await history.nodes(root);
    for (const nodeId of new Set([...before.keys(), ...now.keys()])) {
      const [was, is] = [before.get(nodeId), now.get(nodeId)].map((node) => node && textOf(node));
      if (was !== is) found.set(nodeId, [`${seq} ${is ?? 'gone'}`, ...(found.get(nodeId) ?? [])]);
    }
    before = now;
  }
  return found;
}

function textOf({
  place,
  entry,
}: {
  place: { parentId: string; name: string };
  entry: Parameters<typeof encodeEntry>[0];
}) {
  return `${place.parentId}/${place.name} ${bytesToHex(encodeEntry(entry))}`;
}

async function storedVersions(history: HistoryWorld, nodeIds: Iterable<NodeId>): Promise<Map<NodeId, string[]>> {
  const found = new Map<NodeId, string[]>();
  for (const nodeId of nodeIds) {
    const { versions } = history.world.deps.metadata;
    const records = await versions.list(history.device.workspaceId, nodeId, Number.MAX_SAFE_INTEGER, 10_000);
    const texts = records.map(({ seq, place, entry }) => {
      return `${seq} ${place === null || entry === null ? 'gone' : textOf({ place, entry: decodeEntry(entry) })}`;
    });
    found.set(nodeId, texts);
  }
  return found;
}

const steps = fc.array(step, { minLength: 1, maxLength: 20 });

describe('the versions of nodes', () => {
  it('are those of a reader who compares every tree with the one before, whoever projects, in whatever portions', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 8 }), async (acts, portions) => {
        const history = await historyOf(acts);
        const { deps } = history.world;
        const { workspaceId } = history.device;
        const { seq } = await history.head();
        await Promise.all(portions.map((most) => projectVersions(deps, workspaceId, seq, most)));
        assert.equal((await projectVersions(deps, workspaceId, seq, 1_000)).seq, seq);
        const naive = await naiveVersions(history);
        assert.deepEqual(await storedVersions(history, naive.keys()), naive);
        assert.deepEqual(await projectVersions(deps, workspaceId, seq, 1_000), { seq, commits: 0 });
        assert.deepEqual(await storedVersions(history, naive.keys()), naive);
      }),
      { numRuns: 100 },
    );
  });

  it('of large commits are projected by several runs, each of which goes on', async () => {
    const history = await historyOf([]);
    const { device } = history;
    for (const commit of [1, 2, 3]) {
      const folders = Array.from({ length: 2_000 }, (_, i) => mkdirOperation(`${commit} ${i}`, `${commit} ${i}`));
      await must(device.send(device.request(folders)));
    }
    const { seq } = await history.head();
    const run = () => projectVersions(history.world.deps, device.workspaceId, seq, 1_000, 3_000);
    assert.deepEqual(await run(), { seq: seq - 1, commits: seq - 1 });
    assert.deepEqual(await run(), { seq, commits: 1 });
  });

  it('survive a run that stops between storing versions and moving on', async () => {
    const history = await historyOf([]);
    await history.device.commitPut({ node: 'f', name: 'f', text: 'one' });
    const { deps } = history.world;
    const { versions } = deps.metadata;
    /** Stops before anything is stored, then after all is. */
    for (const isStored of [false, true]) {
      await history.device.commitPut({ node: `f${isStored}`, name: `f${isStored}`, text: 'one' });
      const { seq } = await history.head();
      const project: VersionStore['project'] = async (...projection) => {
        if (isStored) await versions.project(...projection);
        throw new Error('stopped');
      };
      const breaking: VersionStore = {
        project,
        projectedSeq: (workspaceId) => versions.projectedSeq(workspaceId),
        list: (...query) => versions.list(...query),
      };
      const broken = { ...deps, metadata: { ...deps.metadata, versions: breaking } };
      await assert.rejects(projectVersions(broken, history.device.workspaceId, seq, 10), /stopped/);
      assert.equal((await projectAllVersions(deps)).failed, 0);
    }
    const naive = await naiveVersions(history);
    assert.deepEqual(await storedVersions(history, naive.keys()), naive);
  });

  it('tell what each commit did, newest first', async () => {
    const history = await historyOf([]);
    const { device } = history;
    const client = clientOf(history);
    const version = (counter: number) => [[device.deviceId, counter]] as const;
    await device.commitPut({ node: 'f', name: 'f', text: 'one' });
    await device.commitPut({ node: 'f', name: 'f', text: 'two', base: version(1) });
    await device.commit(moveOperation('f', inRoot('f'), inRoot('g'), version(2)));
    await device.commit(deleteOperation('f', version(3)));
    await device.commit(mkdirOperation('d', 'other'));
    await device.commitPut({ node: 'f', name: 'h', text: 'one', base: version(3) });
    const { versions, next } = await client.nodeVersions(device.workspaceId, nodeOf('f'), null);
    const shown = ({ seq, change, name, content }: NodeVersion) => [seq, change, name, content];
    const [one, two] = [blake3Digest(utf8('one')), blake3Digest(utf8('two'))];
    assert.deepEqual(versions.map(shown), [
      [6, 'returned', 'h', one],
      [4, 'deleted', 'g', two],
      [3, 'moved', 'g', two],
      [2, 'edited', 'f', two],
      [1, 'created', 'f', one],
    ]);
    assert.equal(next, null);
    assert.deepEqual(versions[0]?.deviceId, device.deviceId);
    const older = await client.nodeVersions(device.workspaceId, nodeOf('f'), 3);
    assert.deepEqual(older.versions.map(({ seq }) => seq), [2, 1]); // prettier-ignore
    await refused(client.nodeVersions(device.workspaceId, nodeOf('nothing'), null), 'not-found');
    await refused(clientOf(history, 'eve').nodeVersions(device.workspaceId, nodeOf('f'), null), 'not-found');
  });

  it('of a workspace far ahead are projected over several requests', async () => {
    const history = await historyOf([]);
    const { device } = history;
    await device.commitPut({ node: 'f', name: 'f', text: 'one' });
    const { deps } = history.world;
    const head = await history.head();
    const ahead = { ...deps.metadata.journal, getHead: () => Promise.resolve({ ...head, seq: 5_000 }) };
    const list = deps.metadata.journal.list.bind(deps.metadata.journal);
    const { listVersions } = await import('../../shared/services/list-versions.ts');
    const caller = { userId: parseUserId('test|ann'), scopes: new Set(['sync.read'] as const) };
    const input = { caller, workspaceId: device.workspaceId, nodeId: nodeOf('f'), before: null };
    await refused(
      listVersions({ ...deps, metadata: { ...deps.metadata, journal: { ...ahead, list } } }, input),
      'busy',
    );
  });
});

describe('the tree at a point', () => {
  it('by seq lists every tree there was; by time the last that is not later', async () => {
    const history = await historyOf([]);
    const { device, world } = history;
    const client = clientOf(history);
    const times: number[] = [];
    for (let i = 1; i <= 9; i++) {
      await device.commit(mkdirOperation(`d${i}`, `d${i}`));
      times.push(world.clock.ms);
      // Two commits at a time share a millisecond, and the clock steps back once.
      world.clock.ms += i % 2 === 0 ? 1_000 : 0;
      if (i === 5) world.clock.ms -= 60_000;
    }
    const names = async (at: number | string) => {
      const { seq, items } = await client.treeAt(device.workspaceId, at, { path: '', after: null });
      return { seq, count: items.length };
    };
    for (let seq = 0; seq <= 9; seq++) assert.deepEqual(await names(seq), { seq, count: seq });
    const entryTimes = (await must(device.changes())).entries.map(({ timeMs }) => timeMs);
    for (const at of new Set(entryTimes.flatMap((ms) => [ms - 1, ms, ms + 1]))) {
      const seq = entryTimes.filter((ms) => ms <= at).length;
      assert.deepEqual(await names(new Date(at).toISOString()), { seq, count: seq });
    }
    await refused(names(10), 'not-found');
    for (const bad of ['yesterday', '-1', '2026-11-22', '1e3', '2026-13-01T00:00:00Z']) {
      await refused(names(bad), 'malformed');
    }
    assert.deepEqual(await names('2026-11-22T12:00:00.000+14:00'), { seq: 0, count: 0 });
  });
});

describe('the Merkle exchange', () => {
  it('brings whoever has an older tree to the head, with the nodes that have changed', async () => {
    const history = await historyOf([]);
    const { device } = history;
    const client = clientOf(history);
    const empty = await client.fetchTree(device.workspaceId, new MemoryNodeSource());
    assert.deepEqual([empty.head.seq, empty.head.root, empty.nodes.size], [0, emptyMapRoot, 0]);
    await device.commit(...Array.from({ length: 3_000 }, (_, i) => mkdirOperation(`d${i}`, `d${i}`)));
    const local = new MemoryNodeSource();
    const all = await client.fetchTree(device.workspaceId, local);
    local.add(all.nodes);
    await device.commit(mkdirOperation('one more', 'one more'));
    const more = await client.fetchTree(device.workspaceId, local);
    assert.ok(more.nodes.size < all.nodes.size / 10, `${more.nodes.size} of ${all.nodes.size} nodes`);
    assert.equal(more.head.head?.root, more.head.root);
    const whole = new OverlayNodeSource(new MemoryNodeSource(more.nodes), local);
    let pairs = 0;
    for await (const _ of mapScan(whole, more.head.root)) pairs++;
    assert.equal(pairs, 2 * 3_001);
    await refused(clientOf(history, 'eve').fetchTree(device.workspaceId, local), 'not-found');
  });
});

/** A file of several chunks, committed. */
async function commitChunks(device: TestDevice, chunks: readonly Uint8Array[], sha256: string | null = null) {
  const once = new Map(chunks.map((chunk) => [blake3Digest(chunk), chunk]));
  const { session } = await device.upload(...once.values());
  const list = {
    hashes: digestsToColumn(chunks.map(blake3Digest)),
    lengths: Uint32Array.from(chunks, (c) => c.length),
  };
  const { root, manifest, segments } = buildManifest(1, list);
  const put = putOperation({ node: 'f', name: 'f', text: 'x' });
  assert.ok(put.kind === 'put' && manifest !== null);
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  const operation = { ...put, content: root, size, sha256: sha256 === null ? null : parseDigest(sha256) };
  const sent = {
    sessions: [session.sessionId],
    manifests: [{ root, manifest }],
    segments: [...segments].map(([hash, segment]) => ({ hash, segment })),
  };
  await must(device.send(device.request([operation], sent)));
  return { root, chunks };
}

const someChunks = Array.from({ length: 700 }, (_, i) => utf8(`chunk number ${i} `.repeat(1 + (i % 7))));

describe('proofs of chunk ranges', () => {
  it('hold for every range, clipped to the file, and for nothing else', async () => {
    const history = await historyOf([]);
    const { root } = await commitChunks(history.device, someChunks);
    const client = clientOf(history);
    const { workspaceId } = history.device;
    for (const [first, count] of [
      [0, 1],
      [0, 700],
      [699, 1],
      [123, 77],
      [650, 16_384],
    ] as const) {
      // prettier-ignore
      const answer = await client.manifestProof({ workspaceId, root, first, count });
      const part = someChunks.slice(first, first + count);
      assert.deepEqual(columnToDigests(answer.hashes), part.map(blake3Digest));
      assert.deepEqual(answer.lengths, part.map(({ length }) => length)); // prettier-ignore
      assert.equal(answer.offset, concatBytes(...someChunks.slice(0, first)).length);
      assert.equal(answer.chunks, 700);
    }
    await refused(client.manifestProof({ workspaceId, root, first: 700, count: 1 }), 'malformed');
    await refused(
      client.manifestProof({ workspaceId, root: parseDigest('77'.repeat(32)), first: 0, count: 1 }),
      'not-found',
    );
    const single = blake3Digest(someChunks[5]!);
    assert.equal((await client.manifestProof({ workspaceId, root: single, first: 0, count: 9 })).chunks, 1);
    const none = await client.manifestProof({ workspaceId, root: blake3Digest(utf8('')), first: 0, count: 1 });
    assert.deepEqual([none.chunks, none.size], [0, 0]);
    await refused(clientOf(history, 'eve').manifestProof({ workspaceId, root, first: 0, count: 1 }), 'not-found');
  });

  it('of a lying server are refused by the client', async () => {
    const history = await historyOf([]);
    const { root } = await commitChunks(history.device, someChunks);
    const lying = await commitChunks(history.device, someChunks.slice(1));
    const { workspaceId } = history.device;
    const honest = clientOf(history);
    const answer = await honest.manifestProof({ workspaceId, root: lying.root, first: 3, count: 4 });
    const { manifestProofResponse } = await import('../../shared/core/wire/manifest-proof.ts');
    const { encodeBody } = await import('../../shared/core/wire/envelope.ts');
    const body = encodeBody(manifestProofResponse, answer, null) as Uint8Array<ArrayBuffer>;
    const client = createApiClient({
      baseUrl: 'https://tidemark.test/api',
      transport: () => Promise.resolve(new Response(body)),
      tokens: { token: () => Promise.resolve('ann'), renew: () => Promise.reject(new Error('refused')) },
      lz4: nodeCodecs.lz4,
      waiter: { sleep: () => Promise.resolve(), random: () => 0 },
      now: () => 0,
    });
    await refused(client.manifestProof({ workspaceId, root, first: 3, count: 4 }), 'corrupt');
  });
});

const sha256Of = (bytes: Uint8Array) => parseDigest(createHash('sha256').update(bytes).digest('hex'));

describe('SHA-256', () => {
  it('of stored content is computed on demand, and a wrong claim is told', async () => {
    const history = await historyOf([]);
    const { root } = await commitChunks(history.device, someChunks);
    const client = clientOf(history);
    const { workspaceId } = history.device;
    const sha256 = sha256Of(concatBytes(...someChunks));
    const bytes = concatBytes(...someChunks).length;
    assert.deepEqual(await client.verifyContent({ workspaceId, root, sha256 }), { sha256, matches: true, bytes });
    const wrong = sha256Of(utf8('other'));
    assert.deepEqual(await client.verifyContent({ workspaceId, root, sha256: wrong }), {
      sha256,
      matches: false,
      bytes,
    });
    const empty = await client.verifyContent({ workspaceId, root: blake3Digest(utf8('')), sha256: null });
    assert.deepEqual(empty, { sha256: sha256Of(utf8('')), matches: null, bytes: 0 });
    await refused(client.verifyContent({ workspaceId, root: parseDigest('77'.repeat(32)), sha256: null }), 'not-found');
    await refused(clientOf(history, 'eve').verifyContent({ workspaceId, root, sha256: null }), 'not-found');
  });

  it('is not computed of a file whose few bytes are scattered over more than one request may read', async () => {
    const history = await historyOf([]);
    const { device, world } = history;
    // Of two frames of 256 KiB one byte each is wanted, by turns: a small file that is a gigabyte of work.
    const filler = (seed: number) => new Uint8Array(limits.frameBytesMax - 1).fill(seed);
    const [a, b] = [utf8('!'), utf8('?')];
    await commitChunks(device, [a, filler(1), b, filler(2)]);
    const turns = limits.contentFramesBytesMax / limits.frameBytesMax;
    const { root } = await commitChunks(
      device,
      Array.from({ length: turns + 2 }, (_, i) => (i % 2 === 0 ? a : b)),
    );
    let reads = 0;
    const get: typeof world.deps.blobs.get = async (...args) => {
      reads++;
      return world.blobs.get(...args);
    };
    const deps = { ...world.deps, blobs: { ...world.blobs, get } };
    const caller = { userId: userOf('ann'), scopes: new Set<Scope>(['sync.read']) };
    const request = { workspaceId: device.workspaceId, root, sha256: null };
    await refused(verifyContent(deps, { caller, request }), 'too-large');
    assert.equal(reads, 0, 'it is refused before anything is read');
  });

  it('is wanted with each file by a workspace that asks for it, and kept by any other', async () => {
    const asking = await HistoryWorld.open({ sha256: true });
    const put = putOperation({ node: 'f', name: 'f', text: 'one' });
    const sent = (history: HistoryWorld, operation: typeof put) =>
      history.device.send(history.device.request([operation]));
    const reply = await sent(asking, put);
    assert.equal(reply.response.status, 400);
    const sha256 = sha256Of(utf8('one'));
    for (const history of [asking, await HistoryWorld.open()]) {
      assert.ok(put.kind === 'put');
      await history.commit([]);
      const { session } = await history.device.upload(utf8('one'));
      await must(history.device.send(history.device.request([{ ...put, sha256 }], { sessions: [session.sessionId] })));
      const entry = (await history.device.list()).get('f');
      assert.equal(entry?.kind === 'file' && entry.sha256, sha256);
    }
    const empty = putOperation({ node: 'e', name: 'e', text: '', sha256 });
    assert.equal((await sent(asking, empty)).response.status, 400, 'the empty file has one SHA-256');
  });

  it('that differs for one content is corrected by who saw it, and kept from who did not', async () => {
    const history = await historyOf([]);
    const { device } = history;
    const [wrong, right] = [sha256Of(utf8('wrong')), sha256Of(utf8('one'))];
    await device.commitPut({ node: 'f', name: 'f', text: 'one', sha256: wrong });
    const told = async () => {
      const entry = (await device.list()).get('f');
      return entry?.kind === 'file' ? entry.sha256 : undefined;
    };
    const unseen = await device.commit(putOperation({ node: 'f', name: 'f', text: 'one', sha256: right }));
    assert.deepEqual([unseen.outcomes[0]?.status, await told()], ['agreed', wrong]);
    const base = [[device.deviceId, 1]] as const;
    const seen = await device.commit(putOperation({ node: 'f', name: 'f', text: 'one', sha256: right, base }));
    assert.deepEqual([seen.outcomes[0]?.status, await told()], ['applied', right]);
    const silent = await device.commit(
      putOperation({ node: 'f', name: 'f', text: 'one', base: [[device.deviceId, 2]] }),
    );
    assert.deepEqual([silent.outcomes[0]?.status, await told()], ['agreed', right]);
    await device.commitPut({ node: 'f', name: 'f', text: 'two', base: [[device.deviceId, 2]] });
    assert.equal(await told(), undefined);
  });
});
