import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CryptoKey, SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';
import { createOidcTokenVerifier } from '../../shared/adapters/node/oidc-token-verifier.ts';
import { type ErrorCode, isTidemarkError } from '../../shared/core/errors.ts';
import { createManualClock } from '../contracts/manual-clock.ts';

const issuer = 'https://login.example/tenant';
const audience = 'api://tidemark';
const good = await generateKeyPair('ES256', { extractable: true });
const stranger = await generateKeyPair('ES256', { extractable: true });
const publicJwk = { ...(await exportJWK(good.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };

interface Answers {
  discovery?: unknown;
  keySet?: unknown;
}

function isCode(code: ErrorCode) {
  return (error: unknown) => isTidemarkError(error, code);
}

/** A verifier of an issuer that answers with `answers`; a number is a status, an Error a broken connection. */
function createRig(answers: Answers = {}) {
  const clock = createManualClock();
  const fetched: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    fetched.push(url);
    const answer = url.endsWith('/.well-known/openid-configuration')
      ? (answers.discovery ?? { issuer, jwks_uri: `${issuer}/keys` })
      : (answers.keySet ?? { keys: [publicJwk] });
    if (answer instanceof Error) throw answer;
    if (typeof answer === 'number') return new Response('', { status: answer });
    return Response.json(answer);
  };
  const verifier = createOidcTokenVerifier({ issuer, audience, fetch, clock });
  const nowSeconds = (): number => Math.floor(clock.now() / 1_000);
  const sign = (
    claims: Readonly<Record<string, unknown>>,
    key: CryptoKey = good.privateKey,
    header = {},
  ): Promise<string> =>
    new SignJWT({ iss: issuer, aud: audience, sub: 'ann', exp: nowSeconds() + 600, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
      .sign(key);
  return { verifier, clock, fetched, sign, nowSeconds, answers };
}

test('a good token gives the user and the scopes that are known', async () => {
  const { verifier, sign, fetched } = createRig();
  const caller = await verifier.verify(await sign({ scope: 'openid sync.read sync.write evil' }));
  assert.equal(caller.userId, 'login.example|ann');
  assert.deepEqual([...caller.scopes], ['sync.read', 'sync.write']);
  assert.deepEqual(
    [...(await verifier.verify(await sign({ scp: 'sync.admin sync.read' }))).scopes],
    ['sync.read', 'sync.admin'],
  );
  assert.deepEqual([...(await verifier.verify(await sign({ scp: ['sync.write'] }))).scopes], ['sync.write']);
  assert.deepEqual([...(await verifier.verify(await sign({ scope: 7 }))).scopes], []);
  assert.deepEqual([...(await verifier.verify(await sign({}))).scopes], []);
  assert.deepEqual(fetched, [`${issuer}/.well-known/openid-configuration`, `${issuer}/keys`]);
});

test('nothing is fetched before the first token, and many tokens at once fetch once', async () => {
  const { verifier, sign, fetched } = createRig();
  assert.deepEqual(fetched, []);
  const token = await sign({});
  await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
  assert.equal(fetched.length, 2);
});

test('every wrong token is unauthenticated', async () => {
  const { verifier, sign, nowSeconds, clock } = createRig();
  const valid = await sign({});
  const [header, payload, signature] = valid.split('.');
  const hmac = await new SignJWT({ iss: issuer, aud: audience, sub: 'ann', exp: nowSeconds() + 600 })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(new TextEncoder().encode(JSON.stringify(publicJwk).padEnd(64)));
  const wrong: Record<string, string> = {
    'another audience': await sign({ aud: 'api://other' }),
    'another issuer': await sign({ iss: 'https://login.example/other' }),
    'a stranger’s key': await sign({}, stranger.privateKey),
    'an unknown key id': await sign({}, good.privateKey, { kid: 'k2' }),
    expired: await sign({ exp: nowSeconds() - 61 }),
    'not yet valid': await sign({ nbf: nowSeconds() + 61 }),
    'no expiry': await sign({ exp: undefined }),
    'no subject': await sign({ sub: undefined }),
    'an empty subject': await sign({ sub: '' }),
    'an endless subject': await sign({ sub: 'x'.repeat(300) }),
    'no signature': new UnsecuredJWT({ iss: issuer, aud: audience, sub: 'ann', exp: nowSeconds() + 600 }).encode(),
    'a symmetric signature': hmac,
    'a cut signature': `${header}.${payload}.${signature!.slice(0, -4)}`,
    'a changed payload': `${header}.${payload!.slice(0, -2)}AA.${signature}`,
    nothing: '',
    nonsense: 'a.b.c',
    'too long': 'a'.repeat(20_000),
  };
  for (const [what, token] of Object.entries(wrong)) {
    await assert.rejects(verifier.verify(token), isCode('unauthenticated'), what);
  }
  assert.equal((await verifier.verify(valid)).userId, 'login.example|ann');
  clock.advance(661_000);
  await assert.rejects(verifier.verify(valid), isCode('unauthenticated'));
});

test('clocks may differ by a minute', async () => {
  const { verifier, sign, nowSeconds } = createRig();
  await verifier.verify(await sign({ exp: nowSeconds() - 59 }));
  await verifier.verify(await sign({ nbf: nowSeconds() + 59 }));
});

test('without the issuer’s keys it is unavailable, and works again when they are back', async () => {
  const broken: Answers[] = [
    { discovery: 500 },
    { discovery: new TypeError('fetch failed') },
    { discovery: { issuer: 'https://evil.example', jwks_uri: `${issuer}/keys` } },
    { discovery: { issuer } },
    { discovery: { issuer, jwks_uri: 'http://login.example/keys' } },
    { discovery: 'text' },
    { keySet: 503 },
    { keySet: new TypeError('fetch failed') },
    { keySet: { keys: 'none' } },
  ];
  for (const answers of broken) {
    const rig = createRig(answers);
    const token = await rig.sign({});
    await assert.rejects(rig.verifier.verify(token), isCode('unavailable'), JSON.stringify(answers));
    delete rig.answers.discovery;
    delete rig.answers.keySet;
    assert.equal((await rig.verifier.verify(token)).userId, 'login.example|ann', JSON.stringify(answers));
  }
});

test('algorithms that prove nothing cannot be allowed', () => {
  const clock = createManualClock();
  for (const algorithms of [['none'], ['HS256'], ['ES256', 'HS512'], ['dir'], []]) {
    assert.throws(() => createOidcTokenVerifier({ issuer, audience, algorithms, clock }), isCode('malformed'));
  }
});
