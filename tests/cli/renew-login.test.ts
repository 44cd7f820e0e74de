/** Renewal of logins: once for all who need it, and never at the cost of the login. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openCredentials } from '../../client/cli/credentials.ts';
import { createTokenSource } from '../../client/cli/identity.ts';

const base = mkdtempSync(join(tmpdir(), 'tidemark-renew-'));
let issuer: Server;
let url = '';
let refreshes: string[] = [];
let answer: 'token' | 'refuse' | 'fail' = 'token';

before(async () => {
  issuer = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.method === 'GET') {
      response.end(JSON.stringify({ issuer: url, token_endpoint: `${url}/token`, jwks_uri: `${url}/jwks` }));
      return;
    }
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const token = new URLSearchParams(body).get('refresh_token') ?? '';
      const isReused = refreshes.includes(token);
      refreshes.push(token);
      if (answer === 'fail') {
        response.statusCode = 502;
        response.setHeader('content-type', 'text/html');
        response.end('<h1>bad gateway</h1>');
      } else if (isReused || answer === 'refuse') {
        response.statusCode = 400;
        response.end(JSON.stringify({ error: 'invalid_grant' }));
      } else {
        const n = refreshes.length;
        const tokens = {
          access_token: `access-${n}`,
          refresh_token: `refresh-${n}`,
          expires_in: 3_600,
          token_type: 'bearer',
        };
        response.end(JSON.stringify(tokens));
      }
    });
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
});
after(() => {
  issuer.closeAllConnections();
  issuer.close();
  rmSync(base, { recursive: true, force: true });
});

const server = 'https://sync.example.com/api';

async function expired(name: string) {
  refreshes = [];
  answer = 'token';
  const store = openCredentials(join(base, name));
  const login = {
    user: 'ann',
    issuer: url,
    audience: 'a',
    clientId: 'c',
    accessToken: 'old',
    refreshToken: 'refresh-0',
    expiresMs: 0,
  };
  await store.save(server, login);
  await store.save('https://other.example.com/api', { ...login, expiresMs: 9e15 });
  return store;
}

test('many folders and processes renew a login once, and it stays valid', async () => {
  const store = await expired('many');
  // Sources of their own, as processes have: only the lock is between them.
  const sources = Array.from({ length: 8 }, () =>
    createTokenSource(openCredentials(join(base, 'many')), server, () => 1_000),
  );
  const tokens = await Promise.all(sources.map((source) => source.token()));
  assert.deepEqual(new Set(tokens), new Set(['access-1']));
  assert.deepEqual(refreshes, ['refresh-0']);
  assert.equal(await sources[0]!.renew('access-1'), 'access-2');
  assert.equal(await sources[1]!.renew('access-1'), 'access-2');
  assert.deepEqual(refreshes, ['refresh-0', 'refresh-1']);
  // A renewal in the background does not change where commands go.
  assert.equal(store.get().server, 'https://other.example.com/api');
});

test('a provider that cannot answer is not one that refuses', async () => {
  const source = createTokenSource(await expired('away'), server, () => 1_000);
  answer = 'fail';
  await assert.rejects(source.token(), { code: 'unavailable' });
  answer = 'refuse';
  refreshes = [];
  await assert.rejects(source.token(), { code: 'unauthenticated' });
  answer = 'token';
  refreshes = [];
  assert.equal(await source.token(), 'access-1');
});

test('a login that was forgotten meanwhile does not come back', async () => {
  const store = await expired('forgotten');
  const { credential } = store.get(server);
  await store.remove(server);
  store.replace(server, credential);
  assert.throws(() => store.get(server), { code: 'unauthenticated' });
});

test('a login or logout during a renewal waits for it, so that none of the two is lost', async () => {
  const store = await expired('together');
  const { credential } = store.get(server);
  const changes: Promise<void>[] = [];
  await store.exclusively(async () => {
    // As in other processes, which know nothing of this one but the lock.
    const other = openCredentials(join(base, 'together'));
    changes.push(
      other.save('https://third.example.com/api', credential),
      other.remove('https://other.example.com/api'),
    );
    assert.deepEqual(store.servers(), ['https://other.example.com/api', server]);
    store.replace(server, { ...credential, accessToken: 'new' });
  });
  await Promise.all(changes);
  assert.deepEqual(store.servers(), ['https://third.example.com/api', server]);
  assert.equal(store.get(server).credential.accessToken, 'new');
});

test('a file of logins that is none is told, with what to do', () => {
  for (const text of ['{', '[]', '{"servers":3}']) {
    const folder = mkdtempSync(join(base, 'damaged-'));
    writeFileSync(join(folder, 'credentials.json'), text);
    assert.throws(() => openCredentials(folder).get(), /is damaged; delete it and log in again/);
  }
});
