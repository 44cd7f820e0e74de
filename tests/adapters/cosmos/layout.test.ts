/** Where things are: partitions of one workspace, journals in two places, objects in parts, buckets that split, times to live. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createCosmosDatabase } from '../../../shared/adapters/cosmos/containers.ts';
import {
  bucketChunksMax,
  decodePlaces,
  encodePlaces,
  splitPlaces,
} from '../../../shared/adapters/cosmos/chunk-bucket.ts';
import { batchOperationsMax } from '../../../shared/adapters/cosmos/table.ts';
import { equalBytes, utf8 } from '../../../shared/core/bytes.ts';
import { type WorkspaceId, digestsToColumn, parseDigest } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { MetadataStore, VerifiedPack } from '../../../shared/ports/metadata-store.ts';
import {
  ann,
  commitAfter,
  deviceOf,
  digestOf,
  firstHead,
  nodeIdOf,
  packOf,
  presenceOf,
  quarantinedOf,
  requestIdOf,
  requestOf,
  sessionOf,
  versionOf,
  workspaceA,
  workspaceB,
  workspaceOf,
} from '../../contracts/metadata-records.ts';
import { createCosmosWorld, database, isDocumentRequest } from './cosmos-world.ts';

const columnOf = (...texts: readonly string[]) => digestsToColumn(texts.map(digestOf));

/** Everything that can be done for one workspace. */
async function useAll(
  { journal, chunks, objects, versions, quarantine, presence, sessions, workspaces }: MetadataStore,
  ws: WorkspaceId,
) {
  await workspaces.get(ws);
  await workspaces.replace(workspaceOf(ws, { version: 2 }));
  const head = await journal.getHead(ws);
  await journal.append(ws, commitAfter(head ?? firstHead, 1));
  await journal.list(ws, 0, 10, 1e6);
  await journal.recordRequest(ws, requestOf(2));
  await chunks.record(ws, packOf('p', ['a', 'b']), 1);
  await chunks.lookUp(ws, columnOf('a', 'x'));
  await chunks.hasPacks(ws, columnOf('p', 'q'));
  await chunks.listPacks(ws, null, 10);
  await chunks.usage(ws);
  await chunks.forgetPack(ws, digestOf('p'));
  await objects.putObjects(ws, 'node', new Map([[digestOf('a'), utf8('a')]]));
  await objects.getObjects(ws, 'node', [digestOf('a'), digestOf('b')]);
  await versions.project(ws, 0, 1, [versionOf(nodeIdOf(1), 1)]);
  await versions.list(ws, nodeIdOf(1), 10, 10);
  await quarantine.record(quarantinedOf(ws, 'p', 1));
  await quarantine.list(ws, null, 10);
  await quarantine.foundMs(ws, [digestOf('p')]);
  await presence.put(presenceOf(ws, 1, Date.now()));
  await presence.get(ws, deviceOf(1).deviceId, 0);
  await presence.list(ws, 0, 10);
  await sessions.create({ ...sessionOf(1, 9e15), workspaceId: ws });
  await sessions.get(ws, sessionOf(1, 0).sessionId, 0);
}

test('whatever is asked for a workspace goes to partitions of that workspace, or of the directory', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  for (const id of [workspaceA, workspaceB]) await store.workspaces.create(workspaceOf(id), firstHead);
  await useAll(store, workspaceB);
  const asked: string[] = [];
  emulator.observe = (request) => {
    if (!isDocumentRequest(request)) return;
    const pk = String(JSON.parse(request.headers['x-ms-documentdb-partitionkey'] ?? '["everywhere"]'));
    if (request.target.container !== 'directory') asked.push(pk);
    assert.ok(!JSON.stringify(request.body ?? {}).includes(workspaceB), 'nothing of another workspace is named');
  };
  await useAll(store, workspaceA);
  await store.purgeWorkspace(workspaceA, 1_000);
  assert.ok(asked.length > 100);
  assert.ok(asked.every((pk) => pk === workspaceA || pk.startsWith(`${workspaceA}-`)));
});

test('the newest entries stay with the head, older ones move, and the journal reads as one', async (t) => {
  const { store, client } = await createCosmosWorld(t, { archive: { keep: 6, every: 4 } });
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const records = [];
  let head = firstHead;
  for (let n = 1; n <= 30; n++) {
    const commit = commitAfter(head, n, 100);
    assert.equal(await store.journal.append(workspaceA, commit), 'appended');
    records.push(commit.record);
    head = commit.next;
  }
  const idsOf = async (container: string, partitionKey: string) => {
    const query = 'SELECT VALUE c.id FROM c ORDER BY c.id';
    const found = await client
      .database(database)
      .container(container)
      .items.query<string>(query, { partitionKey })
      .fetchAll();
    return found.resources.filter((id) => id.startsWith('entry-'));
  };
  assert.equal((await idsOf('workspaces', workspaceA)).length, 8);
  assert.equal((await idsOf('journal', `${workspaceA}-0`)).length, 22);
  assert.deepEqual(await store.journal.list(workspaceA, 0, 100, 1e6), records);
  assert.deepEqual(await store.journal.list(workspaceA, 20, 4, 1e6), records.slice(20, 24));
  assert.deepEqual(await store.journal.list(workspaceA, 21, 100, 350), records.slice(21, 24));
  assert.deepEqual(await store.journal.list(workspaceA, 29, 5, 1e6), records.slice(29));
  assert.deepEqual(await store.journal.list(workspaceA, 30, 5, 1e6), []);
});

test('an answer of megabytes is kept beside its request, and goes with it', async (t) => {
  const { store, clock, client } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const answer = new Uint8Array(3_000_000).map((_, i) => i * 7);
  const expiresMs = clock.now() + limits.requestRecordSeconds * 1_000;
  const commit = commitAfter(firstHead, 1, 300_000);
  const request = { ...commit.request, answer, expiresMs };
  assert.equal(await store.journal.append(workspaceA, { ...commit, request }), 'appended');
  const found = await store.journal.getRequest(workspaceA, requestIdOf(1));
  assert.ok(found && equalBytes(found.answer, answer));
  clock.advance((limits.requestRecordSeconds + 61) * 1_000);
  assert.equal(await store.journal.getRequest(workspaceA, requestIdOf(1)), undefined);
  const all = client.database(database).container('workspaces').items;
  const left = await all.query('SELECT VALUE c.id FROM c', { partitionKey: workspaceA }).fetchAll();
  assert.deepEqual(left.resources, ['entry-0000000000000001', 'head', 'workspace']);
});

test('an upload session ends by itself a minute after its time', async (t) => {
  const { store, clock } = await createCosmosWorld(t);
  const session = sessionOf(1, clock.now() + 10_000);
  await store.sessions.create(session);
  clock.advance(10_000);
  assert.equal(await store.sessions.sweep(clock.now()), 0);
  clock.advance(60_000);
  assert.equal(await store.sessions.get(workspaceA, session.sessionId, 0), undefined);
  assert.equal(await store.sessions.sweep(clock.now()), 0);
});

test('a device that is heard of again and again costs the same each time, and is forgotten by itself', async (t) => {
  const { emulator, store, clock } = await createCosmosWorld(t);
  const charges: number[] = [];
  emulator.observe = (request, charge) => void (isDocumentRequest(request) && charges.push(charge));
  const heard = () => presenceOf(workspaceA, 1, clock.now());
  for (let n = 0; n < 4; n++) {
    await store.presence.put(heard());
    clock.advance(60_000);
  }
  const [first = 0, ...later] = charges;
  assert.ok(charges.length === 4 && first < 6 && Math.max(...later) < 12, `${charges.join(', ')} RU`);
  const last = heard();
  await store.presence.put(last);
  clock.advance(last.expiresMs - clock.now() + 59_000);
  assert.deepEqual(await store.presence.list(workspaceA, 0, 10), [last]);
  assert.equal(await store.presence.sweep(clock.now()), 0);
  clock.advance(1_000);
  assert.deepEqual(await store.presence.list(workspaceA, 0, 10), []);
});

test('the largest manifest is stored in parts', async (t) => {
  const { store } = await createCosmosWorld(t);
  const bytes = new Uint8Array(limits.manifestBytesMax).map((_, i) => i >> 10);
  const hash = digestOf('manifest');
  await store.objects.putObjects(workspaceA, 'manifest', new Map([[hash, bytes]]));
  const [found] = await store.objects.getObjects(workspaceA, 'manifest', [hash]);
  assert.ok(found && equalBytes(found, bytes));
});

test('buckets split where chunks crowd; writers at once lose nothing', async (t) => {
  const { store, open, client } = await createCosmosWorld(t);
  const packs = Array.from({ length: 6 }, (_, p) =>
    packOf(
      `pack ${p}`,
      Array.from({ length: 8_000 }, (_, i) => `chunk ${p > 3 ? 0 : p} ${i}`),
    ),
  );
  const stores = [store, open(), open()];
  await Promise.all(packs.map((pack, i) => stores[i % 3]!.chunks.record(workspaceA, pack, i)));
  const usage = await store.chunks.usage(workspaceA);
  assert.deepEqual([usage.packs, usage.chunks], [6, 32_000]);
  for (const pack of packs) {
    const found = await store.chunks.lookUp(workspaceA, pack.hashes);
    assert.ok(!found.includes(undefined));
  }
  const bucket = client.database(database).container('chunks').item('00', `${workspaceA}-0`);
  const { resource } = await bucket.read<{ split?: boolean; v?: string }>();
  assert.ok(resource?.split === true || decodePlaces(Buffer.from(resource?.v ?? '', 'base64')).size <= bucketChunksMax);
  await store.chunks.forgetPack(workspaceA, packs[1]!.packId);
  assert.equal((await store.chunks.usage(workspaceA)).chunks, 24_000);
  assert.ok((await store.chunks.lookUp(workspaceA, packs[1]!.hashes)).every((place) => place === undefined));
  assert.ok((await store.chunks.lookUp(workspaceA, packs[2]!.hashes)).every((place) => place !== undefined));
});

test('a bucket comes back from its bytes, and splits into buckets that hold the same', () => {
  fc.assert(
    fc.property(fc.nat(600), fc.nat(3), (count, packs) => {
      const all = Array.from({ length: packs + 1 }, (_, p) =>
        packOf(
          `p${p}`,
          Array.from({ length: count }, (_, i) => `${p} ${i}`),
        ),
      );
      const places = new Map(
        all.flatMap(({ places }, p) => places.map((place, i) => [digestOf(`${p} ${i}`), place] as const)),
      );
      assert.deepEqual(decodePlaces(encodePlaces(places)), places);
      const parts = splitPlaces('', places, batchOperationsMax);
      const joined = new Map(parts.flatMap((part) => (part.places === 'split' ? [] : [...part.places])));
      assert.equal(joined.size, places.size);
      for (const [hash, place] of places) assert.deepEqual(joined.get(hash), place);
      assert.ok(parts.length <= batchOperationsMax);
      assert.equal(parts[0]?.prefix, '');
      for (const part of parts) {
        if (part.places === 'split') continue;
        assert.ok(part.places.size <= bucketChunksMax || parts.length > batchOperationsMax - 16);
        assert.ok([...part.places.keys()].every((hash) => hash.startsWith(part.prefix)));
      }
    }),
    { numRuns: 15 },
  );
});

/** What somebody may upload who looked for chunks long enough: hashes that all begin alike. */
function packOfAlike(start: string, count: number): VerifiedPack {
  const hashes = Array.from({ length: count }, (_, n) =>
    parseDigest(start + digestOf(`${start} ${n}`).slice(start.length)),
  );
  return { ...packOf(`pack ${start}`, hashes), hashes: digestsToColumn(hashes) };
}

test('a pack whose hashes all begin alike is recorded, found and forgotten like any other', async (t) => {
  const { store } = await createCosmosWorld(t);
  const packs = [packOfAlike('a', limits.packChunksMax), packOfAlike('ab', 4_000), packOfAlike('abcdefabcdef', 400)];
  for (const pack of packs) await store.chunks.record(workspaceA, pack, 1);
  for (const { hashes, places } of packs) {
    assert.deepEqual(await store.chunks.lookUp(workspaceA, hashes), places);
  }
  await store.chunks.forgetPack(workspaceA, packs[2]!.packId);
  const left = await store.chunks.lookUp(workspaceA, packs[2]!.hashes);
  assert.ok(left.every((place) => place === undefined));
  assert.deepEqual(await store.chunks.lookUp(workspaceA, packs[0]!.hashes), packs[0]!.places);
});

test('damaged documents are told as corrupt', async (t) => {
  const { store, client } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const container = client.database(database).container('workspaces');
  await container.items.upsert({ pk: workspaceA, id: 'head', seq: 'one' });
  await assert.rejects(store.journal.getHead(workspaceA), { code: 'corrupt' });
  assert.equal((await store.workspaces.listOfMember(ann)).length, 1);
});

test('the database is made once, whoever asks and how often', async (t) => {
  const { client, store } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  await Promise.all([createCosmosDatabase(client, database), createCosmosDatabase(client, database)]);
  await createCosmosDatabase(client, 'another');
  assert.ok(await store.workspaces.get(workspaceA));
});
