/** The realtime endpoint as its own process: what it says, who can read its key, signals, death of the parent. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { WebPubSubServiceClient } from '@azure/web-pubsub';
import { WebPubSubClient } from '@azure/web-pubsub-client';
import { type WebPubSubReady, parseWebPubSubProcessConfig } from '../../../local/web-pubsub/config.ts';
import { startWebPubSubProcess } from '../../../local/web-pubsub-process.ts';
import { startEventHandler } from './event-handler.ts';

const main = path.join(import.meta.dirname, '../../../local/web-pubsub/main.ts');
const accessKey = Buffer.alloc(32, 9).toString('base64');
const config = { host: '127.0.0.1', port: 0, accessKey, endpoint: null, webhookUrl: null };

function forkMain(fields: object, level = 'info'): { readonly child: ChildProcess; readonly output: () => string } {
  const env = { ...process.env, TIDEMARK_LOG: level, TIDEMARK_WEB_PUBSUB_CONFIG: JSON.stringify(fields) };
  const child = fork(main, [], { silent: true, env });
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  return { child, output: () => text };
}

test('lets a client in whom the handler accepts, and writes neither key nor token anywhere', async (t) => {
  const handler = await startEventHandler(t);
  const { child, output } = forkMain({ ...config, webhookUrl: handler.url }, 'debug');
  t.after(() => child.kill('SIGKILL'));
  const [ready] = (await once(child, 'message')) as [WebPubSubReady & { readonly ready: true }];
  const service = new WebPubSubServiceClient(ready.connectionString, 'tidemark', { allowInsecureConnection: true });
  const { url, token } = await service.getClientAccessToken({ userId: 'ada' });
  const client = new WebPubSubClient(url, { keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0, autoReconnect: false });
  const connected = new Promise((resolve) => client.on('connected', resolve));
  await client.start();
  await connected;
  await handler.seen('sys.connected');
  const stopped = new Promise((resolve) => client.on('stopped', resolve));
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  await stopped;
  assert.equal(code, 0);
  assert.deepEqual(handler.types(), ['sys.connect', 'sys.connected', 'sys.disconnected']);
  assert.match(output(), new RegExp(`^\\{"ready":true,"endpoint":"${ready.endpoint}"\\}\n`));
  assert.match(output(), /"opened":1,.*"ended":1,.*"counters at the end"/s);
  for (const secret of [accessKey, token, 'access_token', 'of-the-handler']) assert.ok(!output().includes(secret));
});

test('takes its key from its environment, which only its user can read, and ends when it is stopped', async (t) => {
  const started = await startWebPubSubProcess({ ...config, endpoint: 'http://realtime.test:8080' });
  t.after(() => started.stop());
  assert.deepEqual(started.ready, {
    ready: true,
    endpoint: 'http://realtime.test:8080',
    connectionString: `Endpoint=http://realtime.test:8080;AccessKey=${accessKey};Version=1.0;`,
  });
  if (process.platform === 'linux') {
    assert.ok(!readFileSync(`/proc/${started.pid}/cmdline`, 'utf8').includes(accessKey));
  }
});

test('ends when its parent goes away', async (t) => {
  const { child } = forkMain(config);
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.disconnect();
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});

test('says why it does not start, without the key', async (t) => {
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ ...config, accessKey: 'c2hvcnQ=' }, /accessKey/],
    [{ ...config, accessKey: `${accessKey} ` }, /accessKey/],
    [{ ...config, port: 70_000 }, /port/],
    [{ ...config, endpoint: 'http://127.0.0.1:7075/path' }, /endpoint/],
    [{ ...config, webhookUrl: 'ftp://127.0.0.1/secret' }, /webhookUrl/],
    [{ ...config, host: 1 }, /host/],
  ];
  for (const [fields, why] of bad) {
    assert.throws(() => parseWebPubSubProcessConfig(JSON.stringify(fields)), why);
  }
  assert.throws(
    () => parseWebPubSubProcessConfig(`{"accessKey":"${accessKey}"`),
    /^TidemarkError: the configuration is not JSON$/,
  );
  const { child, output } = forkMain({ ...config, accessKey: 'c2hvcnQ=' });
  t.after(() => child.kill('SIGKILL'));
  const [message] = (await once(child, 'message')) as [unknown];
  const [code] = child.exitCode === null ? ((await once(child, 'exit')) as [number | null]) : [child.exitCode];
  assert.equal(code, 1);
  assert.deepEqual(message, { ready: false, message: 'accessKey is not base64 of at least 32 bytes' });
  assert.equal(output(), '');
});
