/** Real JWTs against the real verifier, through the API: only a token of the issuer, for us, in its time, opens anything. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { createOidcTokenVerifier } from '../../shared/adapters/node/oidc-token-verifier.ts';
import { readProblem } from './world/calls.ts';
import { createTestWorld } from './world/test-world.ts';

const issuer = 'https://issuer.test';
const audience = 'tidemark';
const keys = await generateKeyPair('ES256', { extractable: true });
const strangers = await generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };

const issuerFetch: typeof fetch = (input) => {
  const url = input instanceof Request ? input.url : String(input);
  const body = url.endsWith('/jwks') ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/jwks` };
  return Promise.resolve(Response.json(body));
};

const world = createTestWorld({
  adapt: (deps) => ({
    ...deps,
    tokens: createOidcTokenVerifier({ issuer, audience, fetch: issuerFetch, clock: deps.clock }),
  }),
});
const nowSeconds = Math.floor(world.clock.now() / 1_000);

/** A good token, less what a test changes. */
function token(kid = 'one'): SignJWT {
  return new SignJWT({ scope: 'sync.read sync.write' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('ann')
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + 600);
}

function ask(bearer: string): Promise<Response> {
  const headers = { authorization: `Bearer ${bearer}` };
  return world.api.handle(new Request('https://tidemark.test/api/workspaces', { headers }));
}

const claims = { iss: issuer, aud: audience, sub: 'ann', exp: nowSeconds + 600, scope: 'sync.read' };

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** The good token with another payload under the old signature. */
function withPayload(jwt: string, payload: unknown): string {
  const [header, , signature] = jwt.split('.');
  return `${header}.${encoded(payload)}.${signature}`;
}

describe('access tokens', () => {
  it('of the issuer open the API', async () => {
    const response = await ask(await token().sign(keys.privateKey));
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { workspaces: [] });
  });

  it('that are forged, foreign or out of their time do not, and the answer does not say which', async () => {
    const spki = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const good = await token().sign(keys.privateKey);
    const bad: Readonly<Record<string, string>> = {
      expired: await token()
        .setExpirationTime(nowSeconds - 120)
        .sign(keys.privateKey),
      'not yet': await token()
        .setNotBefore(nowSeconds + 300)
        .sign(keys.privateKey),
      'without an end': await new SignJWT({ scope: 'sync.read' })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject('ann')
        .sign(keys.privateKey),
      "of another's key": await token().sign(strangers.privateKey),
      'of an unknown key id': await token('two').sign(strangers.privateKey),
      'for another audience': await token().setAudience('somebody').sign(keys.privateKey),
      'of another issuer': await token().setIssuer('https://evil.test').sign(keys.privateKey),
      'without a subject': await token().setSubject('').sign(keys.privateKey),
      unsigned: new UnsecuredJWT(claims).encode(),
      'signed with the public key as a secret': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(spki),
      'with other claims': withPayload(good, { ...claims, sub: 'bob' }),
      cut: good.slice(0, -10),
      'no token': 'a.b.c',
    };
    const details = new Set<string>();
    for (const [what, bearer] of Object.entries(bad)) {
      const problem = await readProblem(await ask(bearer));
      assert.deepEqual([problem.status, problem.code], [401, 'unauthenticated'], what);
      details.add(problem.detail);
    }
    assert.equal(details.size, 1);
  });

  it('without the scope are forbidden', async () => {
    const none = await new SignJWT({ ...claims, scope: 'openid' })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(keys.privateKey);
    assert.equal((await readProblem(await ask(none))).code, 'forbidden');
  });

  it('never come into a log line', () => {
    for (const line of world.logged) assert.doesNotMatch(line, /eyJ|Bearer/);
  });
});
