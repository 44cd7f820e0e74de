/** The realtime endpoint as its own process: what it says, signals, death of the parent. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebPubSubServiceClient } from '@azure/web-pubsub';
import { WebPubSubClient } from '@azure/web-pubsub-client';
import {
  type WebPubSubProcessConfig,
  type WebPubSubReady,
  parseAccessKey,
  parseWebPubSubProcessConfig,
} from '../../../local/web-pubsub/config.ts';
import { startWebPubSubProcess } from '../../../local/web-pubsub-process.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';
import { startEventHandler } from './event-handler.ts';

const main = path.join(import.meta.dirname, '../../../local/web-pubsub/main.ts');
const accessKey = Buffer.alloc(32, 9).toString('base64');

async function createConfig(t: TestContext, key = `${accessKey}\n`): Promise<WebPubSubProcessConfig> {
  const keyFile = path.join(await createTemporaryFolder(t), 'realtime.key');
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { host: '127.0.0.1', port: 0, keyFile, endpoint: null, webhookUrl: null };
}

function forkMain(fields: object, level = 'info'): { readonly child: ChildProcess; readonly output: () => string } {
  const env = { ...process.env, TIDEMARK_LOG: level };
  const child = fork(main, [JSON.stringify(fields)], { silent: true, env });
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  return { child, output: () => text };
}

test('lets a client in whom the handler accepts, and writes neither key nor token anywhere', async (t) => {
  const handler = await startEventHandler(t);
  const { child, output } = forkMain({ ...(await createConfig(t)), webhookUrl: handler.url }, 'debug');
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

test('serves under the name that it is given, and ends when it is stopped', async (t) => {
  const started = await startWebPubSubProcess({ ...(await createConfig(t)), endpoint: 'http://realtime.test:8080' });
  t.after(() => started.stop());
  assert.deepEqual(started.ready, {
    ready: true,
    endpoint: 'http://realtime.test:8080',
    connectionString: `Endpoint=http://realtime.test:8080;AccessKey=${accessKey};Version=1.0;`,
  });
});

test('ends when its parent goes away', async (t) => {
  const { child } = forkMain(await createConfig(t));
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.disconnect();
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});

test('reads its configuration strictly, and tells no value of it', () => {
  const config = { keyFile: 'realtime.key' };
  assert.deepEqual(parseWebPubSubProcessConfig(JSON.stringify(config)), {
    host: '127.0.0.1',
    port: 0,
    keyFile: 'realtime.key',
    endpoint: null,
    webhookUrl: null,
  });
  const bad: readonly (readonly [object, string])[] = [
    [{}, 'keyFile is missing'],
    [{ ...config, port: 70_000 }, 'port is not a port'],
    [{ ...config, endpoint: 'http://127.0.0.1:7075/path' }, 'endpoint has more than a host and a port'],
    [{ ...config, webhookUrl: 'ftp://127.0.0.1/?code=secret' }, 'webhookUrl is no HTTP URL'],
    [{ ...config, host: 1 }, 'host is missing'],
  ];
  for (const [fields, message] of bad) {
    assert.throws(() => parseWebPubSubProcessConfig(JSON.stringify(fields)), { code: 'malformed', message });
  }
  const cut = { code: 'malformed', message: 'the configuration is not JSON' };
  assert.throws(() => parseWebPubSubProcessConfig('{"webhookUrl":"http://127.0.0.1/?code=secret"'), cut);
  const message = 'the key file is not base64 of at least 32 bytes';
  for (const key of ['', 'c2hvcnQ=', accessKey.slice(0, -1), `${accessKey}\n${accessKey}`]) {
    assert.throws(() => parseAccessKey(key), { code: 'malformed', message });
  }
});

test('says why it does not start, without the key', async (t) => {
  const { child, output } = forkMain(await createConfig(t, 'c2hvcnQ='));
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [message] = (await once(child, 'message')) as [unknown];
  assert.deepEqual(message, { ready: false, message: 'the key file is not base64 of at least 32 bytes' });
  const [code] = await exit;
  assert.equal(code, 1);
  assert.equal(output(), '');
});
