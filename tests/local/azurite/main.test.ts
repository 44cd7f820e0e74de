/** The embedded Azurite as its own process: events, the change feed, and a parent that dies. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { wellKnownAccount } from '../../../local/azurite/azurite-account.ts';
import {
  type AzuriteProcessConfig,
  type AzuriteReady,
  parseAzuriteProcessConfig,
} from '../../../local/azurite/config.ts';
import { createAzureBlobStore } from '../../../shared/adapters/azure-blob/azure-blob-store.ts';
import { connectionStringAccess } from '../../../shared/adapters/azure-storage/storage-access.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';

const main = path.join(import.meta.dirname, '../../../local/azurite/main.ts');
const patience = { timeout: 60_000 };

async function startProcess(t: TestContext, folder: string, more: Partial<AzuriteProcessConfig> = {}) {
  const config = { folder, host: '127.0.0.1', blobPort: 0, queuePort: 0, wellKnownAccount: false, webhookUrl: null };
  const child = fork(main, [JSON.stringify({ ...config, ...more })], { silent: true });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => (output += piece.toString()));
  const [said] = (await once(child, 'message')) as [AzuriteReady & { ready: boolean }];
  assert.ok(said.ready, output);
  const access = connectionStringAccess(said.connectionString, 'blob');
  const store = createAzureBlobStore({ access, clock: systemClock, createContainers: true });
  return { child, ready: said, store, output: () => output };
}

test('announces packs and what was staged, and nothing else', patience, async (t) => {
  const subjects: string[] = [];
  const all = Promise.withResolvers<void>();
  const webhook = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      response.end();
      for (const event of JSON.parse(text) as { subject: string; data: { api: string; url: string } }[]) {
        subjects.push(`${event.data.api} ${event.subject}`);
        assert.ok(!event.data.url.includes('sig='));
      }
      if (subjects.length === 3) all.resolve();
    });
  }).listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  t.after(() => webhook.close());
  const webhookUrl = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`;
  const { store } = await startProcess(t, await createTemporaryFolder(t), { webhookUrl });
  await store.put('quarantine', 'w/q', utf8('x'));
  await store.put('staging', 's/a', utf8('x'));
  const etag = (await store.head('staging', 's/a'))?.etag ?? '';
  await store.promote('s/a', etag, 'w/a.blob');
  await store.deleteMany('staging', ['s/a']);
  await store.put('chunks', 'w/b.blob', utf8('x'));
  await all.promise;
  const start = '/blobServices/default/containers';
  assert.deepEqual(subjects, [
    `PutBlob ${start}/staging/blobs/s/a`,
    `CopyBlob ${start}/chunks/blobs/w/a.blob`,
    `PutBlob ${start}/chunks/blobs/w/b.blob`,
  ]);
});

test(
  'ends with its parent and keeps everything; the next one waits for it, and has the same account',
  patience,
  async (t) => {
    const folder = await createTemporaryFolder(t);
    const first = await startProcess(t, folder);
    assert.equal(statSync(path.join(folder, 'account.json')).mode & 0o777, 0o600);
    await first.store.put('chunks', 'w/a', utf8('kept'));
    const exited = once(first.child, 'exit');
    // What a parent that is killed leaves behind is a closed channel.
    first.child.disconnect();
    const second = await startProcess(t, folder);
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(await second.store.get('chunks', 'w/a'), utf8('kept'));
    const accountOf = (text: string) => /AccountName=\w+;AccountKey=[^;]+/.exec(text)?.[0];
    assert.equal(accountOf(second.ready.connectionString), accountOf(first.ready.connectionString));
    assert.ok(!first.output().includes('AccountKey'), 'the key is told to the parent only');
  },
);

test('writes a change feed from the start', patience, async (t) => {
  const { ready, store, child } = await startProcess(t, await createTemporaryFolder(t));
  const feed = BlobServiceClient.fromConnectionString(ready.connectionString).getContainerClient('$blobchangefeed');
  assert.ok(await feed.getBlobClient('meta/segments.json').exists());
  await store.put('chunks', 'w/a', utf8('x'));
  const names: string[] = [];
  while (!names.some((name) => name.endsWith('.avro'))) {
    names.length = 0;
    for await (const { name } of feed.listBlobsFlat()) names.push(name);
  }
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('takes the account that everybody knows when it is asked to', patience, async (t) => {
  const { ready } = await startProcess(t, await createTemporaryFolder(t), { wellKnownAccount: true });
  assert.ok(
    ready.connectionString.includes(`AccountName=${wellKnownAccount.name};AccountKey=${wellKnownAccount.key};`),
  );
});

test('what is no configuration is malformed', () => {
  const good = {
    folder: '/x',
    host: '127.0.0.1',
    blobPort: 0,
    queuePort: 1,
    wellKnownAccount: false,
    webhookUrl: null,
  };
  assert.deepEqual(parseAzuriteProcessConfig(JSON.stringify(good)), good);
  const bad = [
    { folder: '' },
    { host: 1 },
    { blobPort: -1 },
    { queuePort: 70_000 },
    { wellKnownAccount: 1 },
    { webhookUrl: 1 },
  ];
  for (const text of ['', 'null', '{', ...bad.map((wrong) => JSON.stringify({ ...good, ...wrong }))]) {
    assert.throws(
      () => parseAzuriteProcessConfig(text),
      (error) => isTidemarkError(error, 'malformed'),
      text,
    );
  }
});
