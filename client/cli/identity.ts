/** Getting and renewing access tokens by OpenID Connect: the device flow (RFC 8628), refresh tokens, and the development grant. */
import * as oidc from 'openid-client';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { ServerConfiguration } from '../../shared/core/wire/server-info.ts';
import type { TokenSource } from '../sdk/tokens.ts';
import type { Credential, CredentialStore } from './credentials.ts';

/** Only a development issuer knows this grant: a token for any user name, no password. */
export const developmentGrant = 'urn:tidemark:grant-type:development';
const scope = 'openid offline_access sync.read sync.write sync.admin';
/** A token this close to its end is renewed before it is used. */
const renewBeforeMs = 60_000;

function isLoopback(issuer: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(issuer).hostname);
}

async function discover(issuer: string, clientId: string): Promise<oidc.Configuration> {
  const insecure = isLoopback(issuer) ? { execute: [oidc.allowInsecureRequests] } : {};
  try {
    return await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), insecure);
  } catch (cause) {
    throw new TidemarkError('unavailable', `the identity provider at ${issuer} cannot be reached`, { cause });
  }
}

type Tokens = Awaited<ReturnType<typeof oidc.refreshTokenGrant>>;

function tokensToCredential(server: ServerConfiguration, user: string, tokens: Tokens, nowMs: number): Credential {
  return {
    user,
    issuer: server.issuer,
    audience: server.audience,
    clientId: server.clientId,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? null,
    expiresMs: nowMs + (tokens.expires_in ?? 3_600) * 1_000,
  };
}

function refused(cause: unknown): TidemarkError {
  const detail = cause instanceof Error ? cause.message : 'it gave no reason';
  return new TidemarkError('unauthenticated', `the identity provider refused to log you in: ${detail}`, { cause });
}

/** A token for any name, from a development issuer. */
export async function loginForDevelopment(
  server: ServerConfiguration,
  user: string,
  nowMs: number,
): Promise<Credential> {
  if (!server.development) {
    throw new TidemarkError('forbidden', '--dev works with a local stack only; log in without it');
  }
  const config = await discover(server.issuer, server.clientId);
  try {
    const tokens = await oidc.genericGrantRequest(config, developmentGrant, { user, scope, resource: server.audience });
    return tokensToCredential(server, user, tokens, nowMs);
  } catch (cause) {
    throw refused(cause);
  }
}

/** The device flow: `show` tells the person where to go and what to type; resolves when they have done so. */
export async function loginByDevice(
  server: ServerConfiguration,
  nowMs: () => number,
  show: (prompt: { readonly url: string; readonly code: string }) => void,
  signal: AbortSignal,
): Promise<Credential> {
  const config = await discover(server.issuer, server.clientId);
  try {
    const flow = await oidc.initiateDeviceAuthorization(config, { scope, resource: server.audience });
    show({ url: flow.verification_uri_complete ?? flow.verification_uri, code: flow.user_code });
    const parameters = { resource: server.audience };
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, flow, parameters, { signal });
    const claims = tokens.claims();
    return tokensToCredential(server, claims?.sub ?? 'unknown', tokens, nowMs());
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw refused(cause);
  }
}

async function refresh(credential: Credential, nowMs: number): Promise<Credential> {
  const again = new TidemarkError('unauthenticated', 'the login has expired; use `tide login` again');
  if (credential.refreshToken === null) throw again;
  const config = await discover(credential.issuer, credential.clientId);
  try {
    const tokens = await oidc.refreshTokenGrant(config, credential.refreshToken, { resource: credential.audience });
    const renewed = tokensToCredential(
      { ...credential, protocol: 1, development: false },
      credential.user,
      tokens,
      nowMs,
    );
    return { ...renewed, refreshToken: renewed.refreshToken ?? credential.refreshToken };
  } catch (cause) {
    // What the provider itself says is its last word; anything else is the network, or a provider that cannot answer just now.
    if (cause instanceof oidc.ResponseBodyError && cause.status < 500) throw again;
    throw new TidemarkError('unavailable', `the identity provider at ${credential.issuer} cannot be reached`, {
      cause,
    });
  }
}

/**
 * Ends the refresh token at the issuer (RFC 7009), so that whoever has copied it gets nothing for it any more. False where the issuer has no
 * such endpoint, and where there is no such token. Throws `unavailable` when the issuer cannot be reached or refuses.
 */
export async function revokeLogin({ issuer, clientId, refreshToken }: Credential): Promise<boolean> {
  if (refreshToken === null) return false;
  const config = await discover(issuer, clientId);
  if (config.serverMetadata().revocation_endpoint === undefined) return false;
  try {
    await oidc.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' });
    return true;
  } catch (cause) {
    throw new TidemarkError('unavailable', `the identity provider at ${issuer} did not end the login`, { cause });
  }
}

/**
 * Tokens of the stored credential, renewed shortly before they end, and saved. One renewal at a time, over all processes of the user: a
 * provider takes a refresh token that comes twice for a stolen one, and ends the login.
 */
export function createTokenSource(store: CredentialStore, server: string, now: () => number): TokenSource {
  let renewal: Promise<string> | null = null;

  async function renewNow(old: string): Promise<string> {
    const { credential } = store.get(server);
    if (credential.accessToken !== old) return credential.accessToken;
    const renewed = await refresh(credential, now());
    store.replace(server, renewed);
    return renewed.accessToken;
  }

  const renewOnce = (old: string): Promise<string> =>
    (renewal ??= store.exclusively(() => renewNow(old)).finally(() => (renewal = null)));

  return {
    token: async () => {
      const { credential } = store.get(server);
      return credential.expiresMs - renewBeforeMs > now() ? credential.accessToken : renewOnce(credential.accessToken);
    },
    renew: async (refusedToken) => {
      const { credential } = store.get(server);
      return credential.accessToken === refusedToken ? renewOnce(refusedToken) : credential.accessToken;
    },
  };
}
