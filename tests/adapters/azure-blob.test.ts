/** What of the Azure blob adapter no port speaks of: credentials, signatures, batches, and how errors leave it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { AggregateAuthenticationError, CredentialUnavailableError, type TokenCredential } from '@azure/identity';
import type { UserDelegationKey } from '@azure/storage-blob';
import { startAzurite } from '../../local/azurite/azurite.ts';
import { createAzureBlobStore } from '../../shared/adapters/azure-blob/azure-blob-store.ts';
import { DelegationKeys } from '../../shared/adapters/azure-blob/blob-signer.ts';
import {
  connectionStringAccess,
  identityAccess,
  type StorageAccess,
} from '../../shared/adapters/azure-storage/storage-access.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { collect, listAll } from '../contracts/collect.ts';
import { createManualClock } from '../contracts/manual-clock.ts';
import { accessOverTls, answering, fakeIdentity, fetchOverTls } from './azurite-over-tls.ts';

const azurite = await startAzurite({ folder: null, anyToken: true });
after(() => azurite.close());

const upload = { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'bytes' };

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

function openStore(access: StorageAccess, clock = systemClock) {
  return createAzureBlobStore({ access, clock, createContainers: true });
}

function makeKey(expiresMs: number): UserDelegationKey {
  return {
    signedObjectId: 'o',
    signedTenantId: 't',
    signedStartsOn: new Date(),
    signedExpiresOn: new Date(expiresMs),
    signedService: 'b',
    signedVersion: '2024-11-04',
    value: 'YQ==',
  };
}

function delegationKeyXml(key: UserDelegationKey): string {
  const time = (date: Date): string => date.toISOString().replace(/\.\d+/, '');
  return [
    '<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>',
    `<SignedOid>${key.signedObjectId}</SignedOid><SignedTid>${key.signedTenantId}</SignedTid>`,
    `<SignedStart>${time(key.signedStartsOn)}</SignedStart><SignedExpiry>${time(key.signedExpiresOn)}</SignedExpiry>`,
    `<SignedService>b</SignedService><SignedVersion>${key.signedVersion}</SignedVersion><Value>${key.value}</Value>`,
    '</UserDelegationKey>',
  ].join('');
}

describe('access to a storage account', () => {
  const keyed = (endpoint: string) => `AccountName=acct;AccountKey=${'a'.repeat(86)}==;${endpoint}`;

  test('by key is for this machine only', () => {
    const refused = ['', 'BlobEndpoint=https://acct.blob.core.windows.net', 'BlobEndpoint=http://10.0.0.4:10000/acct'];
    for (const endpoint of [...refused, 'BlobEndpoint=http://127.0.0.1.evil.example/acct']) {
      assert.throws(
        () => connectionStringAccess(keyed(endpoint), 'blob'),
        (error) => isTidemarkError(error, 'forbidden') && !inspect(error).includes('aaaa'),
        endpoint,
      );
    }
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.1.2.3']) {
      const access = connectionStringAccess(keyed(`BlobEndpoint=http://${host}:10000/acct/`), 'blob');
      assert.equal(access.url, `http://${host}:10000/acct`);
    }
    const built: StorageAccess = {
      kind: 'account-key',
      url: 'https://acct.blob.core.windows.net',
      account: 'acct',
      key: 'YQ==',
    };
    assert.throws(
      () => openStore(built),
      (error) => isTidemarkError(error, 'forbidden'),
    );
  });

  test('a string without a key is malformed, and development storage is Azurite on its usual ports', () => {
    for (const text of [
      '',
      'nonsense',
      'AccountName=acct',
      'BlobEndpoint=http://127.0.0.1/a;SharedAccessSignature=x',
    ]) {
      assert.throws(
        () => connectionStringAccess(text, 'blob'),
        (error) => isTidemarkError(error, 'malformed'),
      );
    }
    const development = connectionStringAccess('UseDevelopmentStorage=true', 'queue');
    assert.equal(development.url, 'http://127.0.0.1:10001/devstoreaccount1');
  });

  test('by identity needs https', () => {
    assert.throws(
      () => identityAccess('http://127.0.0.1:10000/acct', fakeIdentity),
      (error) => isTidemarkError(error, 'malformed'),
    );
  });
});

describe('signed URLs by an identity', () => {
  test('are signed by a user-delegation key, which one request gets for many', async () => {
    const { blobUrl } = azurite.addAccount();
    let keys = 0;
    const store = openStore(accessOverTls(blobUrl, (_, url) => (keys += url.includes('userdelegationkey') ? 1 : 0)));
    const urls = await Promise.all(Array.from({ length: 5 }, (_, i) => store.createUrl('chunks', `w/${i}`, 60)));
    for (const url of urls) assert.equal(await statusOf(fetchOverTls(url, upload)), 201);
    const read = await store.readUrl('chunks', 'w/0', 60);
    assert.equal(await (await fetchOverTls(read)).text(), 'bytes');
    assert.equal(keys, 1);
    const query = new URL(read).searchParams;
    assert.equal(query.get('sr'), 'b');
    assert.equal(query.get('sp'), 'r');
    assert.equal(query.get('sks'), 'b');
    assert.equal(query.get('ss'), null, 'never of an account');
  });

  test('stage a blob, which is promoted, and permit nothing else', async () => {
    const { blobUrl } = azurite.addAccount();
    const store = openStore(accessOverTls(blobUrl));
    const url = await store.stageUrl('s/p', 60);
    const id = Buffer.from('0'.repeat(32)).toString('base64');
    const block = `${url}&comp=block&blockid=${encodeURIComponent(id)}`;
    assert.equal(await statusOf(fetchOverTls(block, { method: 'PUT', body: 'abc' })), 201);
    const list = `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>${id}</Latest></BlockList>`;
    assert.equal(await statusOf(fetchOverTls(`${url}&comp=blocklist`, { method: 'PUT', body: list })), 201);
    assert.equal(await statusOf(fetchOverTls(url)), 403);
    assert.equal(await statusOf(fetchOverTls(url, { method: 'DELETE' })), 403);
    assert.equal(await statusOf(fetchOverTls(url.replace('/staging/', '/chunks/'), upload)), 403);
    const etag = (await store.staged('s/p'))?.committed?.etag ?? '';
    assert.equal(await store.promote('s/p', etag, 'w/p.blob'), 'created');
    assert.deepEqual(await store.get('chunks', 'w/p.blob'), utf8('abc'));
  });

  test('delete in batches by token', async () => {
    const { blobUrl } = azurite.addAccount();
    const store = openStore(accessOverTls(blobUrl));
    for (const name of ['a', 'b', 'c']) await store.put('staging', name, utf8(name));
    await store.deleteMany('staging', ['a', 'c', 'none']);
    assert.deepEqual(await listAll(store, 'staging', ''), ['b']);
  });
});

describe('signed URLs', () => {
  test('end with their time, and cannot be stretched', async () => {
    const { connectionString } = azurite.addAccount();
    const access = connectionStringAccess(connectionString, 'blob');
    await openStore(access).put('chunks', 'a', utf8('x'));
    // A clock that is behind makes URLs that have ended.
    const late = openStore(access, createManualClock(Date.now() - 61_000));
    const read = await late.readUrl('chunks', 'a', 60);
    assert.equal(await statusOf(fetch(read)), 403);
    assert.equal(await statusOf(fetch(await late.readUrl('chunks', 'a', 600))), 200);
    assert.equal(await statusOf(fetch(await late.createUrl('chunks', 'b', 60), upload)), 403);
    const later = encodeURIComponent(new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, ''));
    assert.equal(await statusOf(fetch(read.replace(/([?&]se)=[^&]*/, `$1=${later}`))), 403);
  });

  test('take plain http on this machine only', async () => {
    const { connectionString } = azurite.addAccount();
    const local = await openStore(connectionStringAccess(connectionString, 'blob')).readUrl('chunks', 'a', 60);
    assert.equal(new URL(local).searchParams.get('spr'), 'https,http');
    const key = delegationKeyXml(makeKey(Date.now() + 7 * 3_600_000));
    const pipeline = answering(async () => new Response(key, { headers: { 'content-type': 'application/xml' } }));
    const remote = identityAccess('https://acct.blob.core.windows.net', fakeIdentity, pipeline);
    const store = createAzureBlobStore({ access: remote, clock: systemClock, createContainers: false });
    const url = new URL(await store.createUrl('chunks', 'w/a', 60));
    assert.equal(url.origin + url.pathname, 'https://acct.blob.core.windows.net/chunks/w/a');
    assert.equal(url.searchParams.get('spr'), 'https');
    assert.equal(url.searchParams.get('sp'), 'c');
  });
});

describe('a user-delegation key', () => {
  const hour = 3_600_000;

  test('is renewed an hour before it ends, by one request for all who ask; a failed renewal stops nobody', async () => {
    const clock = createManualClock();
    const asked: number[] = [];
    let failing = false;
    const keys = new DelegationKeys(async (startsOn, expiresOn) => {
      asked.push(expiresOn.getTime() - startsOn.getTime());
      if (failing) throw new Error('no answer');
      return makeKey(expiresOn.getTime());
    }, clock);
    const inMinutes = () => clock.now() + 600_000;
    const [first, same] = await Promise.all([keys.get(inMinutes()), keys.get(inMinutes())]);
    assert.equal(first, same);
    assert.deepEqual(asked, [6 * hour + hour / 4], 'starts a quarter of an hour ago, for clocks that disagree');
    clock.advance(5 * hour - 1);
    assert.equal(await keys.get(inMinutes()), first);
    clock.advance(2);
    failing = true;
    assert.equal(await keys.get(inMinutes()), first, 'the old one is good for a URL of ten minutes');
    failing = false;
    while ((await keys.get(inMinutes())) === first) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(asked.length, 3);
    failing = true;
    clock.advance(7 * hour);
    await assert.rejects(keys.get(inMinutes()), (error) => isTidemarkError(error, 'internal'));
  });

  test('is waited for by nobody while the old one is good, though the account does not answer', async () => {
    const clock = createManualClock();
    let asked = 0;
    const keys = new DelegationKeys((_, expiresOn) => {
      asked += 1;
      return asked === 1 ? Promise.resolve(makeKey(expiresOn.getTime())) : new Promise(() => {});
    }, clock);
    const first = await keys.get(clock.now() + 600_000);
    clock.advance(5 * hour + 1);
    for (let n = 0; n < 3; n++) assert.equal(await keys.get(clock.now() + 600_000), first);
    assert.equal(asked, 2);
  });

  test('covers the whole life of what it signs', async () => {
    const clock = createManualClock();
    const keys = new DelegationKeys(async (_, expiresOn) => makeKey(expiresOn.getTime()), clock);
    const key = await keys.get(clock.now() + 12 * hour);
    assert.ok(key.signedExpiresOn.getTime() >= clock.now() + 12 * hour);
  });
});

describe('deleteMany', () => {
  const names = Array.from({ length: 300 }, (_, i) => `d/${String(i).padStart(3, '0')}`);

  test('takes 256 blobs a request', async () => {
    const { blobUrl } = azurite.addAccount();
    const asked: string[] = [];
    const store = openStore(accessOverTls(blobUrl, (method, url) => asked.push(`${method} ${new URL(url).search}`)));
    await Promise.all(names.map((name) => store.put('staging', name, utf8('x'))));
    asked.length = 0;
    await store.deleteMany('staging', names);
    assert.deepEqual(
      asked.map((line) => line.includes('comp=batch')),
      [true, true],
    );
    assert.deepEqual(await listAll(store, 'staging', ''), []);
  });

  test('goes one by one where batches are not served, and does not ask again', async () => {
    const deleted: string[] = [];
    let batches = 0;
    const pipeline = answering(async (url, { method }) => {
      if (url.includes('comp=batch')) {
        batches += 1;
        return new Response(null, { status: 400, headers: { 'x-ms-error-code': 'UnsupportedQueryParameter' } });
      }
      assert.equal(method, 'DELETE');
      deleted.push(new URL(url).pathname);
      const missing = deleted.length % 2 === 0;
      const headers = missing ? { 'x-ms-error-code': 'BlobNotFound' } : {};
      return new Response(null, { status: missing ? 404 : 202, headers });
    });
    const access = identityAccess('https://acct.blob.core.windows.net', fakeIdentity, pipeline);
    const store = createAzureBlobStore({ access, clock: systemClock, createContainers: false });
    await store.deleteMany('chunks', names);
    assert.equal(batches, 1);
    assert.deepEqual(
      deleted.toSorted(),
      names.map((name) => `/chunks/${name}`),
    );
  });
});

describe('a move that was cut off after its copy', () => {
  test('is finished by the next one', async () => {
    const { connectionString } = azurite.addAccount();
    const store = openStore(connectionStringAccess(connectionString, 'blob'));
    await store.put('chunks', 'w/a', utf8('bad'));
    const etag = (await store.head('chunks', 'w/a'))?.etag ?? '';
    await store.put('quarantine', `w/a-${etag}`, utf8('bad'));
    assert.equal(await store.moveIfMatch('chunks', 'w/a', etag, 'quarantine'), 'moved');
    assert.equal(await store.head('chunks', 'w/a'), undefined);
  });

  test('never takes a part of a copy for the whole', async () => {
    const { connectionString } = azurite.addAccount();
    const store = openStore(connectionStringAccess(connectionString, 'blob'));
    await store.put('chunks', 'w/a', utf8('all of it'));
    const etag = (await store.head('chunks', 'w/a'))?.etag ?? '';
    await store.put('quarantine', `w/a-${etag}`, utf8('all'));
    await assert.rejects(store.moveIfMatch('chunks', 'w/a', etag, 'quarantine'), (error) =>
      isTidemarkError(error, 'busy'),
    );
    assert.deepEqual(await store.get('chunks', 'w/a'), utf8('all of it'));
    assert.equal(await store.moveIfMatch('chunks', 'w/a', etag, 'quarantine'), 'moved');
    assert.deepEqual(await store.get('quarantine', `w/a-${etag}`), utf8('all of it'));
  });
});

describe('errors of storage', () => {
  const storeThat = (status: number, code: string) => {
    const pipeline = answering(async () => new Response(null, { status, headers: { 'x-ms-error-code': code } }));
    const access = identityAccess('https://acct.blob.core.windows.net', fakeIdentity, pipeline);
    return createAzureBlobStore({ access, clock: systemClock, createContainers: false });
  };

  test('have a code of ours, and say whether trying again helps', async () => {
    const cases = [
      [503, 'ServerBusy', 'busy'],
      [429, 'TooManyRequests', 'busy'],
      [500, 'OperationTimedOut', 'busy'],
      [403, 'AuthorizationFailure', 'internal'],
      [404, 'ContainerNotFound', 'internal'],
      [400, 'InvalidHeaderValue', 'internal'],
    ] as const;
    for (const [status, code, expected] of cases) {
      await assert.rejects(storeThat(status, code).head('chunks', 'a'), (error) => {
        assert.ok(isTidemarkError(error, expected), `${status} ${code}: ${String(error)}`);
        assert.equal(error.retryable, expected === 'busy');
        assert.equal(error.data['storageCode'], code);
        return true;
      });
    }
  });

  test('a put to a name that is taken exists, in each of the ways in which Azure says so', async () => {
    for (const [status, code] of [
      [409, 'BlobAlreadyExists'],
      [403, 'UnauthorizedBlobOverwrite'],
      [412, 'ConditionNotMet'],
    ] as const) {
      assert.equal(await storeThat(status, code).put('chunks', 'a', utf8('x')), 'exists');
    }
  });

  test('hold no URL, signature or key', async (t) => {
    const server = createServer((_, response) => {
      response.writeHead(500, { 'x-ms-error-code': 'InternalError' });
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const key = Buffer.from('a secret key').toString('base64');
    const access = connectionStringAccess(
      `AccountName=acct;AccountKey=${key};BlobEndpoint=http://127.0.0.1:${port}/acct`,
      'blob',
      { retryOptions: { maxTries: 1 } },
    );
    const store = createAzureBlobStore({ access, clock: systemClock, createContainers: false });
    const works = [
      () => store.head('chunks', 'a'),
      () => store.put('chunks', 'a', utf8('x')),
      () => store.promote('a', '0x1', 'b'),
      () => collect(store.list('chunks', '')),
    ];
    for (const work of works) {
      const error: unknown = await work().catch((caught: unknown) => caught);
      const shown = inspect(error, { depth: 10, showHidden: true });
      assert.ok(isTidemarkError(error, 'busy'), shown);
      assert.doesNotMatch(shown, /sig=|127\.0\.0\.1|SharedKey|secret/);
      assert.ok(!shown.includes(key));
    }
  });

  test('without a token the account is unavailable, and what the identity library says stays inside', async () => {
    for (const cause of [
      new CredentialUnavailableError('secret details'),
      new AggregateAuthenticationError([new Error('secret details')], 'secret details'),
    ]) {
      const credential: TokenCredential = { getToken: () => Promise.reject(cause) };
      const access = identityAccess('https://acct.blob.core.windows.net', credential);
      const store = createAzureBlobStore({ access, clock: systemClock, createContainers: false });
      for (const work of [() => store.head('chunks', 'a'), () => store.readUrl('chunks', 'a', 60)]) {
        const error: unknown = await work().catch((caught: unknown) => caught);
        assert.ok(isTidemarkError(error, 'unavailable'), inspect(error));
        assert.doesNotMatch(inspect(error, { depth: 10 }), /secret/);
      }
    }
  });

  test('an account that cannot be reached is unavailable', async () => {
    const access = connectionStringAccess('AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/a', 'blob', {
      retryOptions: { maxTries: 1 },
    });
    const store = createAzureBlobStore({ access, clock: systemClock, createContainers: false });
    await assert.rejects(store.head('chunks', 'a'), (error) => isTidemarkError(error, 'unavailable'));
  });
});
