/**
 * Errors of every adapter, provoked where its requests carry signatures, keys or tokens: what is thrown, down to its last cause, what the
 * API logs of it and what it answers hold none of them.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, describe, test } from 'node:test';
import { inspect, promisify } from 'node:util';
import { generateKeyPair, exportPKCS8 } from 'jose';
import { createAzureBlobStore } from '../../shared/adapters/azure-blob/azure-blob-store.ts';
import { createAzureQueue } from '../../shared/adapters/azure-queue/azure-queue.ts';
import { type StorageAccess, connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { createCosmosClient } from '../../shared/adapters/cosmos/cosmos-access.ts';
import { createCosmosMetadataStore } from '../../shared/adapters/cosmos/cosmos-metadata-store.ts';
import { createDiskBlobStore } from '../../shared/adapters/disk/disk-blob-store.ts';
import { createKeyVaultSigner } from '../../shared/adapters/key-vault/key-vault-signer.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { createWebPubSubNotifier } from '../../shared/adapters/web-pubsub/web-pubsub-notifier.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { parseUserId } from '../../shared/core/ids.ts';
import type { ApiDependencies } from '../../shared/api/api.ts';
import { requests, toRequest } from '../api/authorisation/requests.ts';
import { createSubject } from '../api/authorisation/subject.ts';
import { createTestWorld } from '../api/world/test-world.ts';
import { listAll } from '../contracts/collect.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';
import { findSecret } from './find-secret.ts';

/** Refuses everything, and says back all that it was sent. */
async function startEcho(t: TestContext, status: number): Promise<string> {
  const server: Server = createServer((request, response) => {
    const sent = JSON.stringify({ url: `http://${request.headers.host}${request.url}`, headers: request.headers });
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-echo': encodeURIComponent(sent.slice(0, 2_000)),
    });
    response.end(JSON.stringify({ code: 'BadRequest', message: sent }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const accountKey = randomBytes(64).toString('base64');

function isClean(value: unknown, where: string, ...secrets: readonly string[]): void {
  const text = typeof value === 'string' ? value : inspect(value, { depth: 20, showHidden: true, getters: true });
  const found = findSecret(text);
  assert.equal(found?.kind, undefined, where);
  for (const secret of secrets) assert.ok(!text.includes(secret), where);
}

/** Every call fails, or does what it can without storage; whatever is thrown is clean. Returns how many threw. */
async function provoke(
  calls: Readonly<Record<string, () => Promise<unknown>>>,
  ...secrets: readonly string[]
): Promise<number> {
  let thrown = 0;
  for (const [name, call] of Object.entries(calls)) {
    try {
      await call();
    } catch (error) {
      thrown++;
      isClean(error, name, ...secrets);
    }
  }
  return thrown;
}

/** Every route of the API over stores that fail: its answers and its log are clean. Returns how many failed by a fault of ours. */
async function askEverything(
  adapt: (deps: ApiDependencies) => Partial<ApiDependencies>,
  ...secrets: readonly string[]
): Promise<number> {
  let broken = false;
  const world = createTestWorld({
    adapt: (deps) => {
      const bad = { ...deps, ...adapt(deps) };
      return new Proxy(deps, { get: (good, name) => Reflect.get(broken ? bad : good, name) as unknown });
    },
  });
  const subject = await createSubject(world, 'ann');
  broken = true;
  let faults = 0;
  for (const [route, toBody] of Object.entries(requests)) {
    for (const token of ['ann', 'olga']) {
      const answer = await world.api.handle(toRequest(route, toBody(subject), token));
      const body = await answer.text();
      if (answer.status >= 500) faults++;
      // Whoever may have a URL gets it; what is refused has none.
      if (answer.status >= 400) isClean(body, `${route}: ${answer.status}`, ...secrets);
    }
  }
  for (const line of world.logged) isClean(line, 'the log', ...secrets);
  return faults;
}

function blobCalls(store: ReturnType<typeof createDiskBlobStore>): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    put: () => store.put('chunks', 'w/a', utf8('x')),
    head: () => store.head('chunks', 'w/a'),
    get: () => store.get('chunks', 'w/a'),
    open: () => store.open('chunks', 'w/a'),
    move: () => store.moveIfMatch('chunks', 'w/a', 'e', 'quarantine'),
    delete: () => store.deleteIfMatch('chunks', 'w/a', 'e'),
    deleteMany: () => store.deleteMany('chunks', ['w/a']),
    list: () => listAll(store, 'chunks', ''),
    setTier: () => store.setTier('chunks', 'w/a', 'cool'),
    staged: () => store.staged('w/a'),
    promote: () => store.promote('w/a', 'e', 'w/b'),
    urlOfNoName: () => store.readUrl('chunks', '../x', 60),
  };
}

describe('errors hold no secret:', () => {
  for (const status of [400, 403, 500]) {
    test(`azure-blob and azure-queue, when the account answers ${status} and repeats what it was sent`, async (t) => {
      const url = await startEcho(t, status);
      const text = `AccountName=acct;AccountKey=${accountKey};BlobEndpoint=${url}/acct;QueueEndpoint=${url}/acct`;
      const access = (service: 'blob' | 'queue'): StorageAccess => ({
        ...connectionStringAccess(text, service),
        pipeline: { retryOptions: { maxTries: 1 } },
      });
      const store = createAzureBlobStore({ access: access('blob'), clock: systemClock, createContainers: false });
      assert.ok((await provoke(blobCalls(store), accountKey)) >= 10);
      const queue = createAzureQueue({ access: access('queue'), createQueues: false });
      const queueCalls = {
        send: () => queue.send('quarantine', 'x'),
        receive: () => queue.receive('quarantine', 1, 1),
        peek: () => queue.peek('quarantine', 1),
      };
      assert.equal(await provoke(queueCalls, accountKey), 3);
      assert.ok((await askEverything(() => ({ blobs: store, queue }), accountKey)) > 0);
    });
  }

  test('cosmos, when the account refuses and repeats what it was sent, and when it cannot be reached', async (t) => {
    const key = randomBytes(64).toString('base64');
    for (const endpoint of [await startEcho(t, 400), 'http://127.0.0.1:1']) {
      const client = createCosmosClient({ kind: 'key', endpoint, key });
      const store = createCosmosMetadataStore({
        client,
        database: 'd',
        clock: systemClock,
        randomness: systemRandomness,
      });
      assert.ok((await askEverything(() => ({ metadata: store, scope: store.scope }), key)) > 0);
      client.dispose();
    }
  });

  test('web-pubsub, when the service refuses and repeats what it was sent, and when it cannot be reached', async (t) => {
    const key = randomBytes(32).toString('base64');
    const userId = parseUserId('login.example|ann');
    for (const endpoint of [
      await startEcho(t, 400),
      await startEcho(t, 403),
      await startEcho(t, 500),
      'http://127.0.0.1:1',
    ]) {
      const access = `Endpoint=${endpoint};AccessKey=${key};Version=1.0;`;
      const notifier = createWebPubSubNotifier({ access, clock: systemClock });
      const calls = {
        send: () => notifier.send('ws-a', utf8('x')),
        closeUser: () => notifier.closeUser(userId, 'access changed'),
        closeGroup: () => notifier.closeGroup('ws-a', 'access changed'),
        closeConnection: () => notifier.closeConnection('c', 'access changed'),
      };
      assert.equal(await provoke(calls, key), 4);
    }
    for (const access of [`Endpoint=https://elsewhere.example;AccessKey=${key}`, `AccessKey=${key}`]) {
      const open = async () => createWebPubSubNotifier({ access, clock: systemClock });
      assert.equal(await provoke({ open }, key), 1);
    }
  });

  test('web-pubsub, in all that its SDK logs when it is told to log everything', async (t) => {
    const key = randomBytes(32).toString('base64');
    const access = `Endpoint=${await startEcho(t, 400)};AccessKey=${key};Version=1.0;`;
    const script = `
      const { createWebPubSubNotifier } = await import('./shared/adapters/web-pubsub/web-pubsub-notifier.ts');
      const notifier = createWebPubSubNotifier({ access: process.env.TEST_ACCESS, clock: Date });
      await notifier.clientUrl('login.example|ann', ['ws-a'], 60);
      await notifier.send('ws-a', new Uint8Array([1])).catch((error) => console.log(error.code));
    `;
    const environment = { ...process.env, AZURE_LOG_LEVEL: 'verbose', TEST_ACCESS: access };
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: environment });
    const { stdout, stderr } = await run;
    assert.equal(stdout.trim(), 'internal');
    assert.match(stderr, /azure:web-pubsub/);
    isClean(stderr, 'the log of the SDK', key);
  });

  test('disk, when there is a file where its folder should be', async (t) => {
    const folder = path.join(await createTemporaryFolder(t), 'a file');
    await writeFile(folder, 'x');
    const store = createDiskBlobStore({
      folder,
      endpoint: 'http://127.0.0.1:1',
      key: randomBytes(32),
      clock: systemClock,
    });
    assert.ok((await provoke(blobCalls(store))) >= 3);
    assert.ok((await askEverything(() => ({ blobs: store }))) > 0);
  });

  test('key-vault, when the vault repeats the key and the token in its refusals', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const pem = await exportPKCS8(privateKey);
    const refuse = (): never => {
      throw Object.assign(new Error(`403: Bearer ${randomBytes(32).toString('hex')} for ${pem}`), {
        statusCode: 403,
        request: { headers: { authorization: `Bearer ${randomBytes(32).toString('hex')}` }, body: pem },
      });
    };
    const secret = new Proxy({} as Parameters<typeof createKeyVaultSigner>[0]['secret'], { get: () => refuse });
    const lines: string[] = [];
    const keep = (fields: object, message: string): void => void lines.push(message + JSON.stringify(fields));
    const log = { debug: keep, info: keep, warn: keep, error: keep };
    const signer = createKeyVaultSigner({ secret, clock: systemClock, log });
    const calls = { sign: () => signer.sign(utf8('x')), keys: () => signer.publicKeys() };
    assert.equal(await provoke(calls, pem), 2);
    for (const line of lines) isClean(line, 'the log of the signer', pem);
    assert.ok(lines.length > 0);
    assert.ok((await askEverything(() => ({ signer }), pem)) > 0);
  });

  test('the API, when a store throws what nobody has cleaned', async () => {
    const dirty = `http://127.0.0.1/chunks/x?sp=r&sig=${randomBytes(32).toString('base64url')}`;
    const blobs = new Proxy({} as ApiDependencies['blobs'], {
      get: () => () => {
        throw new Error(`GET ${dirty}`, { cause: new Error(`AccountKey=${accountKey} at ${dirty}`) });
      },
    });
    assert.ok((await askEverything(() => ({ blobs }), accountKey)) > 0);
  });
});
