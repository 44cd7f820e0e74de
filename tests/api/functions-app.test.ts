/** The app as Azure loads it, on the local host, with real files under it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openBlobs } from '../../functions/compose/blobs.ts';
import { openChangeFeed } from '../../functions/compose/change-feed.ts';
import { openMetadata } from '../../functions/compose/metadata.ts';
import { openQueues } from '../../functions/compose/queues.ts';
import { openRealtime } from '../../functions/compose/realtime.ts';
import { buildService } from '../../functions/compose/service.ts';
import { readConfig } from '../../functions/config.ts';
import { packOfBlobEvent, stagedPackOfBlobEvent } from '../../functions/blob-event.ts';
import { routes } from '../../shared/api/api.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { digestsToColumn, parseUserId, parseWorkspaceId } from '../../shared/core/ids.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-node.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import { firstChain } from '../../shared/core/wire/journal-entry.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { silentLog } from '../../shared/ports/log.ts';
import { noMetrics } from '../../shared/ports/metrics.ts';
import { silentAnnouncer } from '../../shared/services/realtime/announcer.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import { createFunctionsHost, type FunctionsHost } from '../../local/host/functions-host.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { startCosmosEmulator } from '../cosmos-emulator/emulator.ts';
import { readProblem } from './world/calls.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const settings = {
  TIDEMARK_ISSUER: 'http://127.0.0.1:1',
  TIDEMARK_BLOB_ENDPOINT: 'http://127.0.0.1:2/blobs/',
  TIDEMARK_LOG: 'error',
};

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('the functions app', () => {
  let host: FunctionsHost;
  let url: string;
  let data: string;
  before(async () => {
    data = await mkdtemp(path.join(tmpdir(), 'tidemark-app-'));
    Object.assign(process.env, settings, { TIDEMARK_DATA: data });
    const entry = new URL('../../functions/app.ts', import.meta.url);
    host = createFunctionsHost({ entry, hostJson: new URL('../../host.json', import.meta.url), logger: quiet });
    await host.start();
    url = (await host.listen({ host: '127.0.0.1', port: 0 })).url;
  });
  after(async () => {
    await host.close();
    await rm(data, { recursive: true, force: true });
  });

  it('answers health and configuration from its settings', async () => {
    const health = await fetch(`${url}/api/health`);
    assert.deepEqual(await health.json(), { ok: true, version: '0.1.0' });
    const configuration = await fetch(`${url}/api/.well-known/tidemark-configuration`);
    assert.deepEqual(await configuration.json(), {
      protocol: 1,
      issuer: settings.TIDEMARK_ISSUER,
      audience: 'tidemark',
      clientId: 'tide',
      development: false,
    });
  });

  it('publishes its signing key as a JWKS', async () => {
    const response = await fetch(`${url}/api/.well-known/tidemark-keys.json`);
    const { keys } = (await response.json()) as { keys: Record<string, string>[] };
    assert.deepEqual(
      [keys.length, keys[0]?.['kty'], keys[0]?.['crv'], keys[0]?.['x']?.length],
      [1, 'OKP', 'Ed25519', 43],
    );
  });

  it('refuses a call without a token as a problem, with the id that it was sent', async () => {
    const response = await fetch(`${url}/api/workspaces`, { headers: { 'x-correlation-id': 'test-1' } });
    const problem = await readProblem(response);
    assert.deepEqual([problem.status, problem.code, problem.correlationId], [401, 'unauthenticated', 'test-1']);
  });

  it('says that the issuer cannot be reached, and not that the token is wrong', async () => {
    const header = Buffer.from('{"alg":"RS256"}').toString('base64url');
    const authorization = `Bearer ${header}.e30.c2lnbmF0dXJl`;
    const problem = await readProblem(await fetch(`${url}/api/workspaces`, { headers: { authorization } }));
    assert.deepEqual([problem.status, problem.code], [503, 'unavailable']);
  });

  it('answers unknown routes and other methods with a problem, as everything', async () => {
    const unknown = await readProblem(await fetch(`${url}/api/nothing/here`));
    assert.deepEqual([unknown.status, unknown.code], [404, 'not-found']);
    const response = await fetch(`${url}/api/manifest/commit`, { method: 'DELETE' });
    assert.equal(response.headers.get('allow'), 'POST');
    assert.equal((await readProblem(response)).code, 'method-not-allowed');
  });

  it('follows the change feed by a timer, and takes messages about packs in quarantine and unsettled ones', async () => {
    assert.equal((await host.invoke('tailChangeFeed', {})).ok, true);
    const workspaceId = '1'.repeat(32);
    const packId = '2'.repeat(64);
    const blobName = `${workspaceId}/22/22/${packId}.blob-1`;
    const message = { workspaceId, packId, blobName, reason: 'bad', foundMs: 1, storedBytes: 1 };
    assert.equal((await host.invoke('quarantine', message)).ok, true, 'of a pack that has gone: nothing to report');
    assert.equal((await host.invoke('quarantine', { ...message, packId: 'x' })).ok, false);
    const unsettled = { workspaceId, packId };
    assert.equal((await host.invoke('unsettled', unsettled)).ok, true, 'of a pack that has gone: nothing to settle');
    assert.equal((await host.invoke('unsettled', { ...unsettled, sessionId: '3'.repeat(32) })).ok, true);
    assert.equal((await host.invoke('unsettled', message)).ok, false, 'a message of another queue');
  });

  it('verifies what no event told of, by the change feed of its blobs on disk', async () => {
    const { deps } = await buildService(readConfig(process.env));
    const content = new TextEncoder().encode('no event tells of this');
    const hashes = digestsToColumn([blake3Digest(content)]);
    const { packId, bytes } = buildPack(nodeCodecs, hashes, () => content);
    const workspaceId = parseWorkspaceId('3'.repeat(32));
    const head = { seq: 0, root: emptyMapRoot, chain: firstChain(workspaceId), timeMs: 0, tally: null };
    const record = { workspaceId, name: 'w', mode: 'personal', policy: 'copy', region: '', createdMs: 1 } as const;
    const rest = { members: [], version: 1, deletedMs: null, quota: { filesMax: null, bytesMax: null }, sha256: false };
    await deps.metadata.workspaces.create({ ...record, ...rest }, head);
    await deps.blobs.put('chunks', packBlobName(workspaceId, packId), bytes);
    assert.equal((await host.invoke('tailChangeFeed', {})).ok, true);
    assert.deepEqual(await deps.metadata.chunks.hasPacks(workspaceId, digestsToColumn([packId])), [true]);
  });

  it('serves operators under a path that the host of Azure leaves to apps', async () => {
    const problem = await readProblem(await fetch(`${url}/api/operator/usage`));
    assert.deepEqual([problem.status, problem.code], [401, 'unauthenticated']);
    const reserved = routes.filter(({ path: route }) => /^\/(admin|runtime)/i.test(route));
    assert.deepEqual(reserved, []);
  });

  it('refuses realtime connections, and takes their events, where it has no realtime', async () => {
    const connectionContext = { connectionId: 'c', userId: 'issuer|ann', states: {} };
    const answer = await host.invoke('realtimeConnect', { connectionContext, claims: {}, query: {} });
    assert.ok(answer.ok);
    assert.match(answer.response.returnValue?.json ?? '', /"unauthorized"/);
    for (const name of ['realtimeConnected', 'realtimeDisconnected', 'realtimePresence', 'realtimeProgress']) {
      for (const event of [{ connectionContext, data: '{}' }, { connectionContext: {} }, null]) {
        assert.equal((await host.invoke(name, event)).ok, true, name);
      }
    }
  });

  it('runs its timer and takes blob events for packs that are not there', async () => {
    assert.equal((await host.invoke('sweep', {})).ok, true);
    const subject = `/blobServices/default/containers/chunks/blobs/${'0'.repeat(32)}/aa/bb/aabb${'0'.repeat(60)}.blob`;
    assert.equal((await host.invoke('verifyPack', { eventType: 'Microsoft.Storage.BlobCreated', subject })).ok, true);
  });
});

describe('settings', () => {
  it('name the one that is wrong', () => {
    assert.throws(() => readConfig({}), /TIDEMARK_ISSUER/);
    assert.throws(() => readConfig({ ...settings, TIDEMARK_BLOBS: 'tape' }), /TIDEMARK_BLOBS must be one of: disk/);
    assert.throws(() => readConfig({ ...settings, TIDEMARK_METADATA: 'paper' }), /TIDEMARK_METADATA/);
    assert.throws(() => readConfig({ ...settings, TIDEMARK_SIGNING_KEYS: 'paper' }), /TIDEMARK_SIGNING_KEYS/);
    const vault = { ...settings, TIDEMARK_SIGNING_KEYS: 'key-vault' };
    assert.throws(() => readConfig(vault), /TIDEMARK_KEY_VAULT_URL is missing/);
    const named = { ...vault, TIDEMARK_KEY_VAULT_URL: 'https://x.vault.azure.net', TIDEMARK_SIGNING_SECRET: 'a/b' };
    assert.throws(() => readConfig(named), /TIDEMARK_SIGNING_SECRET/);
    for (const wrong of ['-1', '1e9', 'many', '99999999999999999']) {
      assert.throws(() => readConfig({ ...settings, TIDEMARK_QUOTA_BYTES: wrong }), /TIDEMARK_QUOTA_BYTES must be/);
    }
    assert.throws(() => readConfig({ ...settings, TIDEMARK_BLOB_ENDPOINT: 'ftp://x' }), /TIDEMARK_BLOB_ENDPOINT/);
    assert.throws(() => readConfig({ ...settings, TIDEMARK_DEVELOPMENT: 'yes' }), /TIDEMARK_DEVELOPMENT/);
    for (const limit of ['1000', '0/60', '10/0', '-1/5', '1e3/60', '1/2/3', 'none']) {
      assert.throws(() => readConfig({ ...settings, TIDEMARK_RATE_LIMIT: limit }), /TIDEMARK_RATE_LIMIT/, limit);
    }
  });

  it('have defaults under the data folder', () => {
    const config = readConfig({ ...settings, TIDEMARK_DATA: '/data' });
    assert.deepEqual(config.signingKeys, { adapter: 'file', file: path.join('/data', 'signing-key.pem') });
    assert.deepEqual(config.metadata, { adapter: 'sqlite', file: path.join('/data', 'metadata.sqlite') });
    assert.deepEqual(config.blobs, {
      adapter: 'disk',
      folder: path.join('/data', 'blobs'),
      endpoint: 'http://127.0.0.1:2/blobs',
      keyFile: path.join('/data', 'blob.key'),
    });
    assert.deepEqual(config.queues, { adapter: 'sqlite', file: path.join('/data', 'queues.sqlite') });
    assert.deepEqual(config.changeFeed, { adapter: 'disk', folder: path.join('/data', 'blobs') });
    const { changeFeed } = readConfig({ ...settings, TIDEMARK_CHANGE_FEED: 'none' });
    assert.deepEqual(changeFeed, { adapter: 'none' });
    assert.deepEqual(config.operators, new Set());
    const named = { ...settings, TIDEMARK_OPERATORS: ' login.example|ann, login.example|bob ,' };
    assert.deepEqual(readConfig(named).operators, new Set(['login.example|ann', 'login.example|bob']));
    const tooLong = { ...settings, TIDEMARK_OPERATORS: 'x'.repeat(300) };
    assert.throws(() => readConfig(tooLong), /TIDEMARK_OPERATORS/);
    assert.equal(config.development, false);
    assert.deepEqual(config.rateLimit, { name: 'user', burst: 1_000, perSecond: 1_000 / 60 });
    const rate = (limit: string) => readConfig({ ...settings, TIDEMARK_RATE_LIMIT: limit }).rateLimit;
    assert.deepEqual(rate('5/10'), { name: 'user', burst: 5, perSecond: 0.5 });
    assert.equal(rate('off'), null);
  });
});

describe('settings of a storage account', () => {
  const azure = { TIDEMARK_BLOBS: 'azure', TIDEMARK_QUEUES: 'azure', TIDEMARK_CHANGE_FEED: 'azure' };
  const base = { TIDEMARK_ISSUER: settings.TIDEMARK_ISSUER, ...azure };
  const urls = {
    TIDEMARK_BLOB_ACCOUNT_URL: 'https://a.blob.core.windows.net',
    TIDEMARK_QUEUE_ACCOUNT_URL: 'https://a.queue.core.windows.net',
  };

  it('are its URLs, opened by an identity, or one connection string, and never both', () => {
    const config = readConfig({ ...base, ...urls });
    const blob = { adapter: 'azure', account: { kind: 'identity', url: urls.TIDEMARK_BLOB_ACCOUNT_URL } };
    assert.deepEqual([config.blobs, config.changeFeed], [blob, blob]);
    assert.deepEqual(config.queues, {
      adapter: 'azure',
      account: { kind: 'identity', url: urls.TIDEMARK_QUEUE_ACCOUNT_URL },
    });
    const connection = 'UseDevelopmentStorage=true';
    const local = readConfig({ ...base, TIDEMARK_STORAGE_CONNECTION: connection });
    assert.deepEqual(local.queues, { adapter: 'azure', account: { kind: 'connection', connection } });
    assert.throws(() => readConfig(base), /TIDEMARK_BLOB_ACCOUNT_URL/);
    assert.throws(
      () => readConfig({ ...base, ...urls, TIDEMARK_STORAGE_CONNECTION: connection }),
      /cannot both be set/,
    );
  });

  it('with a key of an account elsewhere are refused when it is opened', async () => {
    const connection = 'AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net';
    const { blobs, queues, changeFeed } = readConfig({ ...base, TIDEMARK_STORAGE_CONNECTION: connection });
    for (const open of [
      () => openBlobs(blobs, systemClock),
      () => openQueues(queues, systemClock),
      () => openChangeFeed(changeFeed),
    ]) {
      await assert.rejects(open, (error) => isTidemarkError(error, 'forbidden') && !error.message.includes('c2VjcmV0'));
    }
  });

  it('are all that loads the SDKs: a stack on disk and SQLite starts without them', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const [data] = process.argv.slice(1);
      const { readConfig } = await import('./functions/config.ts');
      const { openBlobs } = await import('./functions/compose/blobs.ts');
      const { openQueues } = await import('./functions/compose/queues.ts');
      const { openMetadata } = await import('./functions/compose/metadata.ts');
      const { openChangeFeed } = await import('./functions/compose/change-feed.ts');
      const { openRealtime } = await import('./functions/compose/realtime.ts');
      const config = readConfig({ ...process.env, TIDEMARK_DATA: data });
      await openBlobs(config.blobs, { now: Date.now });
      await openQueues(config.queues, { now: Date.now });
      await openChangeFeed(config.changeFeed);
      await openMetadata(config.metadata, { now: Date.now });
      await openRealtime(config.realtime, { clock: { now: Date.now } });
      process.stdout.write(String(loaded.filter((url) => url.includes('/node_modules/@azure/')).length));
    `;
    const data = await mkdtemp(path.join(tmpdir(), 'tidemark-app-'));
    after(() => rm(data, { recursive: true, force: true }));
    const count = async (env: Readonly<Record<string, string>>): Promise<number> => {
      const args = ['--input-type=module', '-e', script, data];
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        cwd: root,
        env: { ...process.env, ...env },
      });
      return Number(stdout);
    };
    assert.equal(await count(settings), 0);
    assert.ok((await count({ ...base, TIDEMARK_STORAGE_CONNECTION: 'UseDevelopmentStorage=true' })) > 0);
  });
});

describe('settings of realtime', () => {
  const base = { ...settings, TIDEMARK_REALTIME: 'web-pubsub' };
  const url = 'https://a.webpubsub.azure.com';
  const connection = 'Endpoint=http://127.0.0.1:7075;AccessKey=c2VjcmV0;Version=1.0;';

  it('are none, or the URL of a service, or the connection string of an endpoint, and never both', () => {
    assert.deepEqual(readConfig(settings).realtime, { adapter: 'none' });
    assert.deepEqual(readConfig({ ...base, TIDEMARK_WEB_PUBSUB_URL: url }).realtime, {
      adapter: 'web-pubsub',
      account: { kind: 'identity', url },
    });
    const byKey = { ...base, TIDEMARK_WEB_PUBSUB_CONNECTION: connection };
    assert.deepEqual(readConfig(byKey).realtime, {
      adapter: 'web-pubsub',
      account: { kind: 'connection', connection, allowRemote: false },
    });
    assert.throws(() => readConfig({ ...settings, TIDEMARK_REALTIME: 'radio' }), /TIDEMARK_REALTIME must be one of/);
    assert.throws(() => readConfig(base), /TIDEMARK_WEB_PUBSUB_URL is missing/);
    assert.throws(() => readConfig({ ...byKey, TIDEMARK_WEB_PUBSUB_URL: url }), /cannot both be set/);
  });
});

describe('the realtime service that is configured', () => {
  const needs = { clock: systemClock, log: silentLog, metrics: noMetrics };
  const open = (env: Readonly<Record<string, string>>) =>
    openRealtime(readConfig({ ...settings, TIDEMARK_REALTIME: 'web-pubsub', ...env }).realtime, needs);

  it('is none, or gives URLs by its key', async () => {
    assert.deepEqual(await openRealtime({ adapter: 'none' }, needs), { notifier: null, announcer: silentAnnouncer });
    const connection = `Endpoint=http://127.0.0.1:9;AccessKey=${Buffer.alloc(32, 7).toString('base64')};Version=1.0;`;
    const { notifier } = await open({ TIDEMARK_WEB_PUBSUB_CONNECTION: connection });
    const { url } = await notifier!.clientUrl(parseUserId('issuer|ann'), ['g'], 300);
    assert.ok(url.startsWith('ws://127.0.0.1:9/client/hubs/tidemark?access_token='));
  });

  it('is on this machine by whatever address of its own', async (t) => {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const own = all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (own === undefined) return t.skip('this machine has no address but loopback');
    const connection = `Endpoint=http://${own}:9;AccessKey=${Buffer.alloc(32, 7).toString('base64')};Version=1.0;`;
    assert.ok((await open({ TIDEMARK_WEB_PUBSUB_CONNECTION: connection })).notifier !== null);
  });

  it('is refused with a key of a service elsewhere, and with a URL that is not https', async () => {
    const elsewhere = 'Endpoint=https://a.webpubsub.azure.com;AccessKey=c2VjcmV0;Version=1.0;';
    const isForbidden = (error: unknown): boolean =>
      isTidemarkError(error, 'forbidden') && !error.message.includes('c2VjcmV0');
    await assert.rejects(open({ TIDEMARK_WEB_PUBSUB_CONNECTION: elsewhere }), isForbidden);
    const allowed = { TIDEMARK_WEB_PUBSUB_CONNECTION: elsewhere, TIDEMARK_WEB_PUBSUB_REMOTE_KEY: 'true' };
    assert.ok((await open(allowed)).notifier !== null);
    await assert.rejects(open({ TIDEMARK_WEB_PUBSUB_URL: 'http://a.webpubsub.azure.com' }), /https/);
    assert.ok((await open({ TIDEMARK_WEB_PUBSUB_URL: 'https://a.webpubsub.azure.com' })).notifier !== null);
  });
});

describe('settings of Cosmos DB', () => {
  const base = { ...settings, TIDEMARK_METADATA: 'cosmos' };
  const endpoint = 'https://a.documents.azure.com/';

  it('are its endpoint, opened by an identity or a key', () => {
    assert.deepEqual(readConfig({ ...base, TIDEMARK_COSMOS_ENDPOINT: endpoint }).metadata, {
      adapter: 'cosmos',
      account: { kind: 'identity', endpoint },
      database: 'tidemark',
    });
    const key = 'c2VjcmV0';
    const more = { TIDEMARK_COSMOS_KEY: key, TIDEMARK_COSMOS_DATABASE: 'other', TIDEMARK_COSMOS_REMOTE_KEY: 'true' };
    assert.deepEqual(readConfig({ ...base, ...more, TIDEMARK_COSMOS_ENDPOINT: endpoint }).metadata, {
      adapter: 'cosmos',
      account: { kind: 'key', endpoint, key, allowRemote: true },
      database: 'other',
    });
    assert.throws(() => readConfig(base), /TIDEMARK_COSMOS_ENDPOINT is missing/);
  });

  it('open a store that is ready on an emulator, and refuse the key of an account elsewhere', async (t) => {
    const emulator = await startCosmosEmulator();
    t.after(() => emulator.close());
    const env = { ...base, TIDEMARK_COSMOS_ENDPOINT: emulator.endpoint, TIDEMARK_COSMOS_KEY: emulator.key };
    const { metadata, scope } = await openMetadata(readConfig(env).metadata, systemClock);
    const { sessionToken, charge } = await scope.run(null, () => metadata.workspaces.listAll(null, 1));
    assert.ok(sessionToken !== null && charge > 0);
    const elsewhere = readConfig({ ...env, TIDEMARK_COSMOS_ENDPOINT: endpoint }).metadata;
    await assert.rejects(openMetadata(elsewhere, systemClock), (error) => isTidemarkError(error, 'forbidden'));
  });
});

describe('blob events', () => {
  const subject = `/blobServices/default/containers/chunks/blobs/${'1'.repeat(32)}/aa/bb/aabb${'0'.repeat(60)}.blob`;
  it('are about a pack only when they say so', () => {
    assert.equal(packOfBlobEvent('Microsoft.Storage.BlobCreated', subject)?.workspaceId, '1'.repeat(32));
    assert.equal(packOfBlobEvent('Microsoft.Storage.BlobDeleted', subject), undefined);
    assert.equal(packOfBlobEvent('Microsoft.Storage.BlobCreated', subject.replace('chunks', 'quarantine')), undefined);
    assert.equal(packOfBlobEvent('Microsoft.Storage.BlobCreated', subject.replace('/aa/bb/', '/aa/cc/')), undefined);
    assert.equal(packOfBlobEvent('Microsoft.Storage.BlobCreated', `${subject}/..`), undefined);
    const staged = `/blobServices/default/containers/staging/blobs/${'1'.repeat(32)}/${'2'.repeat(32)}/${'3'.repeat(64)}`;
    assert.equal(stagedPackOfBlobEvent('Microsoft.Storage.BlobCreated', staged)?.sessionId, '2'.repeat(32));
    assert.equal(stagedPackOfBlobEvent('Microsoft.Storage.BlobDeleted', staged), undefined);
    assert.equal(stagedPackOfBlobEvent('Microsoft.Storage.BlobCreated', subject), undefined);
    assert.equal(packOfBlobEvent('Microsoft.Storage.BlobCreated', staged), undefined);
  });
});
