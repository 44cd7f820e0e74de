/** The app as Azure loads it, on the local host, with real files under it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readConfig } from '../../functions/config.ts';
import { packOfBlobEvent } from '../../functions/blob-event.ts';
import { createFunctionsHost, type FunctionsHost } from '../../local/host/functions-host.ts';
import { readProblem } from './world/calls.ts';

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
    assert.throws(() => readConfig({ ...settings, TIDEMARK_BLOB_ENDPOINT: 'ftp://x' }), /TIDEMARK_BLOB_ENDPOINT/);
    assert.throws(() => readConfig({ ...settings, TIDEMARK_DEVELOPMENT: 'yes' }), /TIDEMARK_DEVELOPMENT/);
  });

  it('have defaults under the data folder', () => {
    const config = readConfig({ ...settings, TIDEMARK_DATA: '/data' });
    assert.equal(config.metadata.file, path.join('/data', 'metadata.sqlite'));
    assert.equal(config.blobs.endpoint, 'http://127.0.0.1:2/blobs');
    assert.equal(config.development, false);
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
  });
});
