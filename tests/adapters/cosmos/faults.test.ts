/** Throttling, lost answers, crashes between steps, and what errors tell. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCosmosClient } from '../../../shared/adapters/cosmos/cosmos-access.ts';
import { createCosmosMetadataStore } from '../../../shared/adapters/cosmos/cosmos-metadata-store.ts';
import { systemRandomness } from '../../../shared/adapters/node/system-randomness.ts';
import { type WorkspaceId, digestsToColumn, parseDigest, parseWorkspaceId } from '../../../shared/core/ids.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { createManualClock } from '../../contracts/manual-clock.ts';
import {
  ann,
  commitAfter,
  digestOf,
  firstHead,
  packOf,
  requestIdOf,
  workspaceA,
  workspaceB,
  workspaceOf,
} from '../../contracts/metadata-records.ts';
import type { Fault } from '../../cosmos-emulator/emulator.ts';
import { createCosmosWorld, faultAt, holdAt, isDocumentRequest } from './cosmos-world.ts';

const columnOf = (...texts: readonly string[]) => digestsToColumn(texts.map(digestOf));

test('throttling is waited out; when it lasts, the caller is told how long to wait', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  let left = 3;
  emulator.fault = () => (left-- > 0 ? { kind: 'throttle', retryAfterMs: 1 } : undefined);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  assert.ok(left < 0);
  let asked = 0;
  emulator.fault = () => {
    asked += 1;
    return { kind: 'throttle', retryAfterMs: 2 };
  };
  await assert.rejects(store.workspaces.get(workspaceA), {
    code: 'busy',
    retryable: true,
    data: { retryAfterSeconds: 1 },
  });
  assert.ok(asked > 1 && asked <= 6, `${asked} requests`);
  await assert.rejects(store.journal.append(workspaceA, commitAfter(firstHead, 1)), { code: 'busy' });
  emulator.fault = undefined;
  assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
});

test('a commit whose answer was lost is told as appended, once, whenever the connection breaks', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  const workspaceOfRound = (n: number): WorkspaceId => parseWorkspaceId(n.toString(16).padStart(32, '0'));
  for (const kind of ['break-before', 'break-after'] as const) {
    for (let n = 0, hit = true; hit; n++) {
      const workspaceId = workspaceOfRound(kind.length * 1_000 + n);
      await store.workspaces.create(workspaceOf(workspaceId), firstHead);
      const head = await store.journal.getHead(workspaceId);
      assert.ok(head);
      const seen = faultAt(emulator, n, { kind });
      const commit = commitAfter(head, 1);
      assert.equal(await store.journal.append(workspaceId, commit), 'appended', `${kind} at ${n}`);
      hit = seen.hit;
      emulator.fault = undefined;
      assert.deepEqual(await store.journal.getHead(workspaceId), commit.next);
      assert.deepEqual(await store.journal.list(workspaceId, 0, 10, 1e6), [commit.record]);
      assert.equal(await store.journal.append(workspaceId, commit), 'request-exists');
    }
  }
});

test('a lost answer to a batch that lost the race is a lost race', async (t) => {
  const { emulator, store, open } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const head = await store.journal.getHead(workspaceA);
  assert.ok(head);
  assert.equal(await open().journal.append(workspaceA, commitAfter(head, 1)), 'appended');
  for (const kind of ['break-before', 'break-after'] as const) {
    faultAt(emulator, 0, { kind });
    assert.equal(await store.journal.append(workspaceA, commitAfter(head, 2)), 'lost-race');
  }
  emulator.fault = undefined;
  assert.equal(await store.journal.getRequest(workspaceA, requestIdOf(2)), undefined);
});

const breaks: readonly Fault[] = [{ kind: 'break-before' }, { kind: 'break-after' }];

test('recording a pack that was cut off anywhere comes out right when it is done again', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  const texts = Array.from({ length: 16 }, (_, i) => `chunk ${i}`);
  const pack = packOf('p', texts);
  let round = 0;
  for (const fault of breaks) {
    for (let n = 0, hit = true; hit; n++) {
      const workspaceId = parseWorkspaceId((round += 1).toString(16).padStart(32, '0'));
      const seen = faultAt(emulator, n, fault);
      const error = await store.chunks.record(workspaceId, pack, 1).catch((caught: unknown) => caught);
      hit = seen.hit;
      emulator.fault = undefined;
      if (hit && (await store.chunks.hasPacks(workspaceId, columnOf('p')))[0]) {
        const found = await store.chunks.lookUp(workspaceId, columnOf(...texts));
        assert.ok(!found.includes(undefined), 'a recorded pack has all its chunks');
      }
      assert.equal(isTidemarkError(error, 'unavailable'), hit, `at ${n}`);
      if (n % 2 === 0) {
        await store.chunks.forgetPack(workspaceId, pack.packId);
        const left = await store.chunks.lookUp(workspaceId, columnOf(...texts));
        assert.ok(
          left.every((place) => place === undefined),
          'what a cut off recording left is found and forgotten',
        );
      }
      await store.chunks.record(workspaceId, pack, 2);
      assert.deepEqual(await store.chunks.lookUp(workspaceId, columnOf(...texts)), pack.places);
      const usage = await store.chunks.usage(workspaceId);
      assert.deepEqual(usage, { packs: 1, chunks: 16, storedBytes: pack.storedBytes });
    }
  }
});

test('forgetting a pack that was cut off anywhere is finished when it is done again', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  const texts = Array.from({ length: 8 }, (_, i) => `chunk ${i}`);
  let round = 0;
  for (const fault of breaks) {
    for (let n = 0, hit = true; hit; n++) {
      const workspaceId = parseWorkspaceId((round += 1).toString(16).padStart(32, '0'));
      await store.chunks.record(workspaceId, packOf('p', texts), 1);
      const seen = faultAt(emulator, n, fault);
      await store.chunks.forgetPack(workspaceId, digestOf('p')).catch(() => {});
      hit = seen.hit;
      emulator.fault = undefined;
      await store.chunks.forgetPack(workspaceId, digestOf('p'));
      assert.deepEqual(await store.chunks.hasPacks(workspaceId, columnOf('p')), [false]);
      const left = await store.chunks.lookUp(workspaceId, columnOf(...texts));
      assert.ok(left.every((place) => place === undefined));
    }
  }
});

test('a pack that is recorded and forgotten at once is recorded with all its chunks, or leaves none', async (t) => {
  const { emulator, store, open } = await createCosmosWorld(t);
  const other = open();
  const texts = Array.from({ length: 40 }, (_, i) => `chunk ${i}`);
  const pack = packOf('p', texts);
  let round = 0;
  for (const forgetFirst of [false, true]) {
    for (let n = 0, hit = true; hit; n++) {
      const workspaceId = parseWorkspaceId((round += 1).toString(16).padStart(32, '0'));
      if (forgetFirst) await store.chunks.record(workspaceId, pack, 1);
      const record = () => (forgetFirst ? other : store).chunks.record(workspaceId, pack, 2);
      const forget = () => (forgetFirst ? store : other).chunks.forgetPack(workspaceId, pack.packId);
      const seen = holdAt(emulator, n, forgetFirst ? record : forget);
      await (forgetFirst ? forget() : record());
      hit = seen.hit;
      emulator.fault = undefined;
      const [recorded] = await store.chunks.hasPacks(workspaceId, columnOf('p'));
      const found = await store.chunks.lookUp(workspaceId, columnOf(...texts));
      const known = found.filter((place) => place !== undefined).length;
      assert.equal(known, recorded === true ? texts.length : 0, `at ${n}, ${forgetFirst ? 'forget' : 'record'} first`);
    }
  }
});

test('making and changing a workspace, cut off anywhere, leaves no member without it and nobody else with it', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  let round = 0;
  for (const fault of breaks) {
    for (let n = 0, hit = true; hit; n++) {
      const id = parseWorkspaceId((round += 1).toString(16).padStart(32, '0'));
      const onlyBob = workspaceOf(id, { members: [{ userId: workspaceOf(id).members[0]!.userId, role: 'owner' }] });
      const seen = faultAt(emulator, n, fault);
      const withAnn = { ...workspaceOf(id), version: 2 };
      try {
        await store.workspaces.create(onlyBob, firstHead);
        await store.workspaces.replace(withAnn);
      } catch (error) {
        assert.ok(isTidemarkError(error, 'unavailable'));
      }
      hit = seen.hit;
      emulator.fault = undefined;
      const standing = await store.workspaces.get(id);
      const listed = (await store.workspaces.listOfMember(ann)).filter(({ workspaceId }) => workspaceId === id);
      assert.deepEqual(listed, standing?.version === 2 ? [withAnn] : [], `${fault.kind} at ${n}`);
      await store.workspaces.create(onlyBob, firstHead);
      await store.workspaces.replace(withAnn);
      assert.deepEqual(await store.workspaces.get(id), withAnn);
      const all = await store.workspaces.listAll(null, 1_000);
      assert.ok(all.some(({ workspaceId }) => workspaceId === id));
    }
  }
});

test('a replacement whose answer was lost was a replacement', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const renamed = workspaceOf(workspaceA, { name: 'Renamed', version: 2 });
  faultAt(emulator, 0, { kind: 'break-before' });
  await assert.rejects(store.workspaces.replace(renamed), { code: 'unavailable' });
  faultAt(emulator, 0, { kind: 'break-after' });
  assert.equal(await store.workspaces.replace(renamed), 'replaced');
  emulator.fault = undefined;
  assert.equal(await store.workspaces.replace(renamed), 'changed');
  assert.deepEqual(await store.workspaces.get(workspaceA), renamed);
});

test('a batch of which one operation is refused is never told as done', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  // Of one first digit, and so of one partition and batch.
  const objects = new Map(['1', '2', '3'].map((n) => [parseDigest(`a${digestOf(n).slice(1)}`), utf8(n)]));
  // 403: the partition is full. 409: what an upsert may meet when another writer comes first.
  for (const [status, code] of [
    [403, 'internal'],
    [400, 'internal'],
    [409, 'busy'],
  ] as const) {
    emulator.fault = (request) => (isDocumentRequest(request) ? { kind: 'operation', at: 1, status } : undefined);
    await assert.rejects(store.objects.putObjects(workspaceA, 'node', objects), { code });
    await assert.rejects(store.workspaces.create(workspaceOf(workspaceB), firstHead), { code });
    emulator.fault = undefined;
    const stored = await store.objects.getObjects(workspaceA, 'node', [...objects.keys()]);
    assert.ok(stored.every((bytes) => bytes === undefined));
    assert.equal(await store.workspaces.get(workspaceB), undefined);
  }
});

test('journal entries are not deleted beside the head when the archive did not take them', async (t) => {
  const { emulator, store } = await createCosmosWorld(t, { archive: { keep: 2, every: 4 } });
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  emulator.fault = ({ target }) =>
    target.container === 'journal' ? { kind: 'operation', at: 0, status: 403 } : undefined;
  const records = [];
  let head = firstHead;
  for (let n = 1; n <= 9; n++) {
    const commit = commitAfter(head, n);
    assert.equal(await store.journal.append(workspaceA, commit), 'appended');
    records.push(commit.record);
    head = commit.next;
  }
  emulator.fault = undefined;
  assert.deepEqual(await store.journal.list(workspaceA, 0, 100, 1e6), records);
});

test('errors tell neither the key nor the endpoint', async (t) => {
  const { emulator, store } = await createCosmosWorld(t, { deadlineMs: 2_000 });
  const faults: readonly [Fault, string][] = [
    [{ kind: 'break-before' }, 'unavailable'],
    [{ kind: 'answer', status: 503 }, 'unavailable'],
    [{ kind: 'answer', status: 403 }, 'internal'],
    [{ kind: 'answer', status: 400 }, 'internal'],
    [{ kind: 'throttle', retryAfterMs: 1 }, 'busy'],
  ];
  for (const [fault, code] of faults) {
    emulator.fault = (request) => (isDocumentRequest(request) ? fault : undefined);
    const error = await store.chunks.forgetPack(workspaceA, digestOf('p')).catch((caught: unknown) => caught);
    assert.ok(isTidemarkError(error), JSON.stringify(fault));
    assert.equal(error.code, code);
    const told = `${error.message} ${JSON.stringify(error.data)} ${String(error.cause)} ${JSON.stringify(error)}`;
    assert.ok(!told.includes(emulator.key) && !/127\.0\.0\.1|http/.test(told), told);
  }
});

test('a database that is not there, and a key for another machine, are refused', async (t) => {
  const { emulator } = await createCosmosWorld(t);
  const { endpoint, key } = emulator;
  const client = createCosmosClient({ kind: 'key', endpoint, key });
  const store = createCosmosMetadataStore({
    client,
    database: 'nowhere',
    clock: createManualClock(),
    randomness: systemRandomness,
  });
  await assert.rejects(store.workspaces.get(workspaceA), { code: 'internal' });
  await assert.rejects(store.workspaces.create(workspaceOf(workspaceA), firstHead), { code: 'internal' });
  await assert.rejects(store.journal.list(workspaceA, 0, 1, 1), { code: 'internal' });
  const remote = 'https://account.documents.azure.com/';
  assert.throws(() => createCosmosClient({ kind: 'key', endpoint: remote, key }), { code: 'forbidden' });
  createCosmosClient({ kind: 'key', endpoint: remote, key, allowRemote: true }).dispose();
  for (const wrong of ['nonsense', 'http://account.documents.azure.com/']) {
    assert.throws(() => createCosmosClient({ kind: 'key', endpoint: wrong, key }), { code: 'malformed' });
  }
  const credential = { getToken: async () => null };
  assert.throws(() => createCosmosClient({ kind: 'identity', endpoint, credential }), { code: 'malformed' });
});
