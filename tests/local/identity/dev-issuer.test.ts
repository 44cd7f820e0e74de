import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import * as oidc from 'openid-client';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { createDevIssuer, defaultAudience, type DevIssuerOptions } from '../../../local/identity/dev-issuer.ts';
import { developmentGrantType } from '../../../local/identity/development-grant.ts';
import { cliClientId } from '../../../local/identity/provider.ts';
import { isUserName } from '../../../local/identity/user-name.ts';
import { createBrowser, type Page } from './browser.ts';

interface Signed {
  readonly config: oidc.Configuration;
  readonly issuerUrl: string;
  readonly close: () => Promise<void>;
  readonly verify: (token: string) => Promise<JWTPayload>;
}

const everything = 'openid offline_access sync.read sync.write sync.admin';

async function startIssuer(t: TestContext, options: Partial<DevIssuerOptions> = {}): Promise<Signed> {
  const issuer = createDevIssuer({ issuerUrl: 'http://127.0.0.1:0', ...options });
  const { issuerUrl, jwksUrl, audience } = await issuer.start();
  t.after(() => issuer.close());
  const config = await oidc.discovery(new URL(issuerUrl), cliClientId, undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  });
  const jwks = createRemoteJWKSet(new URL(jwksUrl));
  return {
    config,
    issuerUrl,
    close: () => issuer.close(),
    verify: async (token) => (await jwtVerify(token, jwks, { issuer: issuerUrl, audience, typ: 'at+jwt' })).payload,
  };
}

const signInAs = (
  config: oidc.Configuration,
  user: string,
  more: Record<string, string> = {},
): Promise<oidc.TokenEndpointResponse> => oidc.genericGrantRequest(config, developmentGrantType, { user, ...more });

/** Goes through the pages of the device flow as a person would, up to the sign-in form. */
async function walkToSignIn(url: string): Promise<{ browser: ReturnType<typeof createBrowser>; page: Page }> {
  const browser = createBrowser();
  const handedOver = await browser.open(url);
  const confirm = await browser.submit(handedOver, {});
  assert.match(confirm.html, /Tidemark command line asks to sign in/);
  return { browser, page: await browser.submit(confirm, { confirm: 'yes' }) };
}

describe('the development issuer', () => {
  it('is discovered, with a JWKS of public keys only', async (t) => {
    const { config, issuerUrl } = await startIssuer(t);
    const metadata = config.serverMetadata();
    assert.equal(metadata.issuer, issuerUrl);
    assert.ok(metadata.grant_types_supported?.includes(developmentGrantType));
    assert.ok(metadata.device_authorization_endpoint?.startsWith(issuerUrl));
    const { keys } = (await (await fetch(`${issuerUrl}/jwks`)).json()) as { keys: Record<string, unknown>[] };
    assert.deepEqual(
      keys.map(({ alg, d }) => [alg, d]),
      [['ES256', undefined]],
    );
  });

  it('gives tokens for any user name by the development grant', async (t) => {
    const { config, verify } = await startIssuer(t);
    const tokens = await signInAs(config, 'ada@example.org', { scope: everything });
    const claims = await verify(tokens.access_token);
    assert.deepEqual(
      [
        claims.sub,
        claims['name'],
        claims['scope'],
        claims['client_id'],
        claims.aud,
        (claims.exp ?? 0) - (claims.iat ?? 0),
      ],
      ['ada@example.org', 'ada@example.org', 'sync.read sync.write sync.admin', cliClientId, defaultAudience, 3_600],
    );
    assert.equal(decodeProtectedHeader(tokens.access_token).alg, 'ES256');
    assert.equal(decodeJwt(tokens.id_token ?? '').sub, 'ada@example.org');
    assert.equal(tokens.expires_in, 3_600);
  });

  it('gives the scopes that are asked for, and no refresh token without offline_access', async (t) => {
    const { config, verify } = await startIssuer(t);
    const tokens = await signInAs(config, 'bob', { scope: 'sync.read' });
    assert.equal((await verify(tokens.access_token))['scope'], 'sync.read');
    assert.deepEqual([tokens.refresh_token, tokens.id_token], [undefined, undefined]);
    await assert.rejects(signInAs(config, 'bob', { scope: 'sync.read root' }), { error: 'invalid_scope' });
    await assert.rejects(signInAs(config, 'bob', { resource: 'https://elsewhere/' }), { error: 'invalid_target' });
  });

  it('refuses what is not a user name', async (t) => {
    const { config } = await startIssuer(t);
    for (const user of ['', 'a b', 'x'.repeat(65), '<b>', 'a/b', 'ü', 'a\nb']) {
      await assert.rejects(signInAs(config, user), { error: 'invalid_request' }, JSON.stringify(user));
    }
    assert.ok((await signInAs(config, 'x'.repeat(64))).access_token);
  });

  it('refreshes, again and again with one refresh token, and forgets it when it is revoked', async (t) => {
    const { config, verify } = await startIssuer(t);
    const { refresh_token: refreshToken = '' } = await signInAs(config, 'carol');
    for (let round = 0; round < 3; round++) {
      const tokens = await oidc.refreshTokenGrant(config, refreshToken);
      const claims = await verify(tokens.access_token);
      assert.deepEqual([claims.sub, claims['scope']], ['carol', 'sync.read sync.write sync.admin']);
    }
    const fewer = await oidc.refreshTokenGrant(config, refreshToken, { scope: 'sync.read' });
    assert.equal((await verify(fewer.access_token))['scope'], 'sync.read');
    await oidc.tokenRevocation(config, refreshToken);
    await assert.rejects(oidc.refreshTokenGrant(config, refreshToken), { error: 'invalid_grant' });
  });

  it('lets tokens expire after the lifetimes that it is given', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const { config, verify } = await startIssuer(t, { accessTokenSeconds: 5, refreshTokenSeconds: 60 });
    const tokens = await signInAs(config, 'dan');
    assert.equal((await verify(tokens.access_token)).sub, 'dan');
    t.mock.timers.tick(6_000);
    await assert.rejects(verify(tokens.access_token), { code: 'ERR_JWT_EXPIRED' });
    assert.ok((await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).access_token);
    t.mock.timers.tick(60_000);
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token ?? ''), { error: 'invalid_grant' });
  });

  for (const signingAlgorithm of ['EdDSA', 'RS256'] as const) {
    it(`signs with ${signingAlgorithm} when asked to, for the audience that it is given`, async (t) => {
      const { config, verify } = await startIssuer(t, { signingAlgorithm, audience: 'https://other.example/api' });
      const { access_token: token } = await signInAs(config, 'eve');
      assert.equal(decodeProtectedHeader(token).alg, signingAlgorithm);
      assert.equal((await verify(token)).aud, 'https://other.example/api');
    });
  }
});

describe('the device flow', () => {
  it('signs in whoever the browser names, after the code was confirmed', async (t) => {
    const { config, verify } = await startIssuer(t);
    const device = await oidc.initiateDeviceAuthorization(config, { scope: everything });
    await assert.rejects(pollOnce(config, device), { error: 'authorization_pending' });
    const { browser, page } = await walkToSignIn(device.verification_uri_complete ?? '');
    const refused = await browser.submit(page, { user: 'not a name' });
    assert.deepEqual([refused.status, /1 to 64 letters/.test(refused.html)], [400, true]);
    const done = await browser.submit(page, { user: 'frank' });
    assert.match(done.html, /You can close this page/);
    const tokens = await pollOnce(config, device);
    const claims = await verify(tokens.access_token);
    assert.deepEqual(
      [claims.sub, claims['scope'], claims.aud],
      ['frank', 'sync.read sync.write sync.admin', defaultAudience],
    );
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '');
    assert.equal((await verify(refreshed.access_token)).sub, 'frank');
    await assert.rejects(pollOnce(config, device), { error: 'invalid_grant' });
  });

  it('lets another user sign in with the same browser afterwards', async (t) => {
    const { config, verify } = await startIssuer(t);
    const browser = createBrowser();
    for (const user of ['gail', 'hugo']) {
      const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid sync.read' });
      const confirm = await browser.submit(await browser.open(device.verification_uri), {
        user_code: device.user_code,
      });
      const done = await browser.submit(await browser.submit(confirm, {}), { user });
      assert.match(done.html, /You can close this page/);
      assert.equal((await verify((await pollOnce(config, device)).access_token)).sub, user);
    }
  });

  it('ends when the code or the sign-in is refused', async (t) => {
    const { config } = await startIssuer(t);
    const first = await oidc.initiateDeviceAuthorization(config, { scope: everything });
    const { browser, page } = await walkToSignIn(first.verification_uri_complete ?? '');
    await browser.submit(page, { abort: 'yes' });
    await assert.rejects(pollOnce(config, first), { error: 'access_denied' });

    const second = await oidc.initiateDeviceAuthorization(config, { scope: everything });
    const confirm = await browser.submit(await browser.open(second.verification_uri_complete ?? ''), {});
    await browser.submit(confirm, { abort: 'yes' });
    await assert.rejects(pollOnce(config, second), { error: 'access_denied' });
  });

  it('shows an error for a code that is not known, without repeating it as HTML', async (t) => {
    const { issuerUrl } = await startIssuer(t);
    const browser = createBrowser();
    const page = await browser.submit(await browser.open(`${issuerUrl}/device`), {
      user_code: '<script>alert(1)</script>',
    });
    assert.match(page.html, /not known/);
    assert.doesNotMatch(page.html, /<script>/);
    assert.equal((await browser.open(`${issuerUrl}/interaction/none`)).status, 400);
  });
});

/** One poll of the token endpoint: the library's own loop would wait between polls. */
function pollOnce(
  config: oidc.Configuration,
  device: oidc.DeviceAuthorizationResponse,
): Promise<oidc.TokenEndpointResponse> {
  return oidc.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', {
    device_code: device.device_code,
  });
}

describe('what the issuer keeps', () => {
  it('is readable by its owner only, and lets sessions outlive a restart', async (t) => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'issuer-'));
    t.after(() => rm(dataFolder, { recursive: true }));
    const first = await startIssuer(t, { dataFolder });
    const { refresh_token: refreshToken = '', access_token: accessToken } = await signInAs(first.config, 'ivy');
    await first.close();
    for (const name of ['identity-keys.json', 'identity.sqlite']) {
      assert.equal((await stat(join(dataFolder, name))).mode & 0o777, 0o600, name);
    }
    const second = await startIssuer(t, { dataFolder, issuerUrl: first.issuerUrl });
    assert.equal((await second.verify(accessToken)).sub, 'ivy');
    assert.equal(
      (await second.verify((await oidc.refreshTokenGrant(second.config, refreshToken)).access_token)).sub,
      'ivy',
    );
    await second.close();
    const third = await startIssuer(t, { dataFolder, issuerUrl: first.issuerUrl, signingAlgorithm: 'EdDSA' });
    assert.equal((await third.verify(accessToken)).sub, 'ivy', 'a new algorithm keeps the old key');
  });

  it('is not replaced when it is damaged', async (t) => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'issuer-'));
    t.after(() => rm(dataFolder, { recursive: true }));
    const path = join(dataFolder, 'identity-keys.json');
    await writeFile(path, '{"signing":');
    await assert.rejects(createDevIssuer({ issuerUrl: 'http://127.0.0.1:0', dataFolder }).start(), (error) =>
      isTidemarkError(error, 'malformed'),
    );
    assert.equal(await readFile(path, 'utf8'), '{"signing":');
  });
});

describe('where the issuer listens', () => {
  it('is this machine only, unless told', () => {
    for (const issuerUrl of [
      'http://0.0.0.0:7072',
      'http://192.168.1.5:7072',
      'http://example.org:80',
      'http://[::]:7072',
    ]) {
      assert.throws(
        () => createDevIssuer({ issuerUrl }),
        (error) => isTidemarkError(error, 'forbidden') || isTidemarkError(error, 'malformed'),
        issuerUrl,
      );
    }
    createDevIssuer({ issuerUrl: 'http://0.0.0.0:7072', allowRemote: true });
    for (const issuerUrl of ['https://127.0.0.1:1', 'http://127.0.0.1', 'http://127.0.0.1:1/path', 'nonsense']) {
      assert.throws(
        () => createDevIssuer({ issuerUrl }),
        (error) => isTidemarkError(error, 'malformed'),
        issuerUrl,
      );
    }
  });

  it('says so when the port is taken', async (t) => {
    const { issuerUrl } = await startIssuer(t);
    await assert.rejects(
      createDevIssuer({ issuerUrl }).start(),
      (error) => isTidemarkError(error, 'conflict') && /choose another port/.test(error.message),
    );
  });

  it('answers only to its own name, so that a re-pointed web page reads nothing', async (t) => {
    const { issuerUrl } = await startIssuer(t);
    const statusFor = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpRequest(`${issuerUrl}/jwks`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on('error', reject).end();
      });
    assert.deepEqual([await statusFor('evil.example'), await statusFor(new URL(issuerUrl).host)], [421, 200]);
  });

  it('prints nothing of its own', async (t) => {
    const printed: unknown[] = [];
    for (const method of ['log', 'info', 'warn', 'error'] as const)
      t.mock.method(console, method, (...args: unknown[]) => printed.push(args));
    const { config } = await startIssuer(t);
    await signInAs(config, 'jo');
    const device = await oidc.initiateDeviceAuthorization(config, { scope: everything });
    const { browser, page } = await walkToSignIn(device.verification_uri_complete ?? '');
    await browser.submit(page, { user: 'jo' });
    await oidc.tokenRevocation(config, (await pollOnce(config, device)).refresh_token ?? '');
    assert.deepEqual(printed, []);
  });
});

describe('user names', () => {
  it('are 1 to 64 of the allowed characters', () => {
    const allowed = Array.from('ABCXYZabcxyz0189._@-');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...allowed), minLength: 1, maxLength: 64 }), (name) =>
        isUserName(name),
      ),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...allowed) }),
        fc.constantFrom(...Array.from(' /\\:<>"\'\n\u0000ü')),
        fc.string(),
        (head, bad, tail) => !isUserName(head + bad + tail),
      ),
    );
  });
});
