/** The blob endpoint as its own process: ready line, events, signals, death of the parent. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDiskBlobStore } from '../../../shared/adapters/disk/disk-blob-store.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { loadBlobUrlKey } from '../../../shared/adapters/disk/blob-url-key.ts';
import { parseBlobProcessConfig } from '../../../local/blob/config.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';

const main = path.join(import.meta.dirname, '../../../local/blob/main.ts');

interface Ready {
  readonly ready: true;
  readonly url: string;
  readonly port: number;
}

async function readyOf(child: ChildProcess): Promise<Ready> {
  const [message] = await once(child, 'message');
  return message as Ready;
}

/** A webhook that refuses its first request, then takes everything. */
async function startWebhook(t: TestContext) {
  const bodies: unknown[] = [];
  const server = createServer();
  const firstAccepted = new Promise<void>((resolve) => {
    let requests = 0;
    server.on('request', (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      request.on('end', () => {
        requests += 1;
        response.writeHead(requests === 1 ? 503 : 200).end();
        if (requests === 1) return;
        bodies.push({ type: request.headers['aeg-event-type'], url: request.url, events: JSON.parse(text) });
        resolve();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { bodies, firstAccepted, url: `http://127.0.0.1:${port}/runtime/webhooks/EventGrid?functionName=verifyPack` };
}

test('serves uploads, delivers their events, and ends on SIGTERM', async (t) => {
  const folder = await createTemporaryFolder(t);
  const keyFile = path.join(folder, 'secrets', 'blob.key');
  const webhook = await startWebhook(t);
  const config = { folder: path.join(folder, 'blobs'), keyFile, webhookUrl: webhook.url };
  const child = fork(main, [JSON.stringify(config)], { silent: true });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout?.on('data', (piece: Buffer) => (output += piece.toString()));
  child.stderr?.on('data', (piece: Buffer) => (output += piece.toString()));
  const { url, port } = await readyOf(child);
  assert.equal(url, `http://127.0.0.1:${port}`);

  const key = await loadBlobUrlKey(keyFile);
  const store = createDiskBlobStore({ folder: config.folder, endpoint: url, key, clock: systemClock });
  const headers = { 'x-ms-blob-type': 'BlockBlob' };
  for (const container of ['manifests', 'chunks'] as const) {
    const target = await store.createUrl(container, 'w/00/11/p.blob', 60);
    const answer = await fetch(target, { method: 'PUT', headers, body: 'pack' });
    assert.equal(answer.status, 201);
  }
  await webhook.firstAccepted;
  const etag = (await store.head('chunks', 'w/00/11/p.blob'))?.etag;
  const [delivered] = webhook.bodies as { type: string; url: string; events: Record<string, unknown>[] }[];
  assert.equal(delivered?.type, 'Notification');
  assert.equal(delivered.url, '/runtime/webhooks/EventGrid?functionName=verifyPack');
  assert.equal(delivered.events.length, 1);
  const event = delivered.events[0] ?? {};
  assert.equal(event['eventType'], 'Microsoft.Storage.BlobCreated');
  assert.equal(event['subject'], '/blobServices/default/containers/chunks/blobs/w/00/11/p.blob');
  const data = event['data'] as Record<string, unknown>;
  assert.equal(data['url'], `${url}/chunks/w/00/11/p.blob`);
  assert.deepEqual([data['api'], data['contentLength'], data['eTag']], ['PutBlob', 4, etag]);

  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.match(output, new RegExp(`^\\{"ready":true,"url":"${url}","port":${port}\\}\n`));
  assert.ok(!output.includes('sig='));
});

test('ends when its parent goes away', async (t) => {
  const folder = await createTemporaryFolder(t);
  const config = JSON.stringify({ folder: path.join(folder, 'blobs'), keyFile: path.join(folder, 'key') });
  const child = fork(main, [config], { silent: true });
  t.after(() => child.kill('SIGKILL'));
  await readyOf(child);
  child.disconnect();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('starts from its environment too, without IPC, and says why it does not start', async (t) => {
  const folder = await createTemporaryFolder(t);
  const config = JSON.stringify({ folder: path.join(folder, 'blobs'), keyFile: path.join(folder, 'key') });
  const good = spawn(process.execPath, [main], { env: { ...process.env, TIDEMARK_BLOB_CONFIG: config } });
  t.after(() => good.kill('SIGKILL'));
  const [line] = await once(good.stdout, 'data');
  assert.match(String(line), /^\{"ready":true,/);
  const bad = spawn(process.execPath, [main, '{}'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  bad.stderr.on('data', (piece: Buffer) => (told += piece.toString()));
  const [code] = await once(bad, 'close');
  assert.equal(code, 1);
  assert.match(told, /folder is missing/);
});

test('a configuration is checked field by field', () => {
  const good = { folder: '/f', keyFile: '/k' };
  assert.deepEqual(parseBlobProcessConfig(JSON.stringify(good)), {
    ...good,
    host: '127.0.0.1',
    port: 0,
    webhookUrl: null,
  });
  for (const bad of [
    '',
    '[',
    'null',
    '7',
    '{"folder":"/f"}',
    ...[-1, 1.5, 70_000, '80'].map((port) => JSON.stringify({ ...good, port })),
  ]) {
    assert.throws(() => parseBlobProcessConfig(bad), { name: 'TidemarkError', code: 'malformed' }, bad);
  }
});
