/** The embedded Azurite: what it loads, what it tells, what it keeps, and where it is stricter than Azurite by itself. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type AzuriteOptions, startAzurite } from '../../../local/azurite/azurite.ts';
import { wellKnownAccount } from '../../../local/azurite/azurite-account.ts';
import type { AzuriteChange } from '../../../local/azurite/blob-changes.ts';
import { createAzureBlobStore } from '../../../shared/adapters/azure-blob/azure-blob-store.ts';
import { connectionStringAccess } from '../../../shared/adapters/azure-storage/storage-access.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';

function openStore(connectionString: string) {
  const access = connectionStringAccess(connectionString, 'blob');
  return createAzureBlobStore({ access, clock: systemClock, createContainers: true });
}

async function start(t: TestContext, options: Partial<AzuriteOptions> = {}) {
  const changes: AzuriteChange[] = [];
  const azurite = await startAzurite({ folder: null, onChange: (change) => changes.push(change), ...options });
  t.after(() => azurite.close());
  return { azurite, changes, store: openStore(azurite.connectionString) };
}

const put = { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' } };

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

test('loads nothing of its telemetry', async (t) => {
  await start(t);
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  assert.ok(loaded.some((file) => file.includes('/azurite/dist/')));
  assert.deepEqual(
    loaded.filter((file) => /node_modules\/(applicationinsights|@opentelemetry)\//.test(file)),
    [],
  );
});

test('tells every blob that comes or goes, whatever way, with what an event says of it', async (t) => {
  const { store, changes, azurite } = await start(t);
  await store.put('chunks', 'put', utf8('12345'));
  await statusOf(fetch(await store.createUrl('chunks', 'uploaded', 60), { ...put, body: '123' }));
  const url = await store.stageUrl('s/staged', 60);
  const id = Buffer.alloc(32).toString('base64');
  await statusOf(fetch(`${url}&comp=block&blockid=${encodeURIComponent(id)}`, { method: 'PUT', body: 'block' }));
  const list = `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>${id}</Latest></BlockList>`;
  await statusOf(fetch(`${url}&comp=blocklist`, { method: 'PUT', body: list }));
  const etag = (await store.staged('s/staged'))?.committed?.etag ?? '';
  await store.promote('s/staged', etag, 'promoted');
  await store.deleteMany('staging', ['s/staged', 'never-there']);
  await store.put('chunks', 'put', utf8('not taken'));
  assert.deepEqual(
    changes.map(({ kind, api, container, name, length }) => [kind, api, container, name, length]),
    [
      ['created', 'PutBlob', 'chunks', 'put', 5],
      ['created', 'PutBlob', 'chunks', 'uploaded', 3],
      ['created', 'PutBlockList', 'staging', 's/staged', 5],
      ['created', 'CopyBlob', 'chunks', 'promoted', 5],
      ['deleted', 'DeleteBlob', 'staging', 's/staged', 0],
    ],
  );
  assert.equal(changes[0]?.etag, (await store.head('chunks', 'put'))?.etag);
  assert.ok(changes.every(({ account }) => account === azurite.name));
});

test('a signature that may only create never overwrites, however uploads race', async (t) => {
  const { store, changes } = await start(t);
  for (let round = 0; round < 10; round++) {
    const url = await store.createUrl('chunks', `race/${round}`, 60);
    const bodies = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(50_000));
    const statuses = await Promise.all(bodies.map((body) => statusOf(fetch(url, { ...put, body }))));
    assert.equal(statuses.filter((status) => status === 201).length, 1, statuses.join());
    assert.deepEqual(await store.get('chunks', `race/${round}`), utf8(bodies[statuses.indexOf(201)]!));
  }
  assert.equal(changes.length, 10);
});

test('accounts do not see each other, and a key opens only its own', async (t) => {
  const { azurite, store } = await start(t);
  const other = azurite.addAccount();
  await store.put('chunks', 'a', utf8('x'));
  assert.equal(await openStore(other.connectionString).head('chunks', 'a'), undefined);
  const mixed = azurite.connectionString.replace(azurite.key, other.key);
  await assert.rejects(
    openStore(mixed).head('chunks', 'a'),
    (error) => isTidemarkError(error, 'internal') && error.data['status'] === 403,
  );
  const known = `AccountName=${wellKnownAccount.name};AccountKey=${wellKnownAccount.key};BlobEndpoint=`;
  const unasked = openStore(known + azurite.blobUrl.replace(azurite.name, wellKnownAccount.name));
  await assert.rejects(unasked.head('chunks', 'a'), 'the account that everybody knows is not there unless asked for');
});

test('keeps what it holds when it is closed, blobs and staged blocks, and takes up again on the same account', async (t) => {
  const folder = await createTemporaryFolder(t);
  const first = await start(t, { folder });
  await first.store.put('chunks', 'a', utf8('kept'));
  const id = Buffer.alloc(32, 7).toString('base64');
  const block = `${await first.store.stageUrl('s', 60)}&comp=block&blockid=${encodeURIComponent(id)}`;
  assert.equal(await statusOf(fetch(block, { method: 'PUT', body: 'block' })), 201);
  const before = await first.store.head('chunks', 'a');
  await first.azurite.close();
  const { name, key } = first.azurite;
  const { store } = await start(t, { folder, account: { name, key } });
  assert.deepEqual(await store.get('chunks', 'a'), utf8('kept'));
  assert.deepEqual(await store.head('chunks', 'a'), before);
  assert.deepEqual((await store.staged('s'))?.uncommitted, [{ id: new Uint8Array(32).fill(7), length: 5 }]);
});

test('a port that is taken is a conflict', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  t.after(() => squatter.close());
  const { port } = squatter.address() as AddressInfo;
  for (const ports of [{ blobPort: port }, { queuePort: port }]) {
    await assert.rejects(startAzurite({ folder: null, ...ports }), (error) => isTidemarkError(error, 'conflict'));
  }
});
