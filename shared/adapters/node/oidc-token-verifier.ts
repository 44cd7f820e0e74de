/**
 * Access tokens of an OpenID Connect issuer (Entra ID or any other), as JWTs (RFC 9068 and its forerunners). The issuer's
 * key set is found through its discovery document at the first token, and kept.
 */
import { type JWTPayload, type JWTVerifyGetKey, createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import { TidemarkError } from '../../core/errors.ts';
import { type UserId, parseUserId } from '../../core/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Caller, Scope, TokenVerifier } from '../../ports/token-verifier.ts';

export interface OidcTokenVerifierOptions {
  /** As in the tokens' `iss`, to the letter. */
  readonly issuer: string;
  readonly audience: string;
  /** Allowed signature algorithms; asymmetric ones only. */
  readonly algorithms?: readonly string[];
  readonly fetch?: typeof globalThis.fetch;
  readonly clock: Clock;
}

const defaultAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;
const clockToleranceSeconds = 60;
/** Longer tokens are refused unread: real ones have a few kilobytes, and HTTP servers refuse headers of this size. */
const tokenCharactersMax = 16_384;
const discoveryTimeoutMs = 10_000;
const knownScopes: readonly Scope[] = ['sync.read', 'sync.write', 'sync.admin'];

function unauthenticated(cause?: unknown): TidemarkError {
  return new TidemarkError('unauthenticated', 'the access token is not valid', { cause });
}

function keysUnavailable(cause?: unknown): TidemarkError {
  return new TidemarkError('unavailable', "the token issuer's keys cannot be had", { cause });
}

/** Where the issuer publishes its keys. Only an issuer that is itself on http (a local one) may point to http. */
async function discoverKeySet(issuer: string, fetch: typeof globalThis.fetch): Promise<URL> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(discoveryTimeoutMs),
  });
  if (response.status !== 200) throw new Error(`discovery answered ${response.status}`);
  const found: unknown = await response.json();
  if (typeof found !== 'object' || found === null) throw new Error('the discovery document is not an object');
  if (!('issuer' in found) || found.issuer !== issuer) throw new Error('the discovery document is of another issuer');
  if (!('jwks_uri' in found) || typeof found.jwks_uri !== 'string') throw new Error('discovery names no key set');
  const url = new URL(found.jwks_uri);
  if (url.protocol !== 'https:' && url.protocol !== new URL(issuer).protocol)
    throw new Error('the key set is not on https');
  return url;
}

/** The issuer's keys: one discovery at a time, whatever the number of callers; a failed one is tried again. */
function createKeySource(issuer: string, fetch: typeof globalThis.fetch): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined;
  const find = async (): Promise<JWTVerifyGetKey> => {
    try {
      return createRemoteJWKSet(await discoverKeySet(issuer, fetch), { [customFetch]: fetch });
    } catch (error) {
      found = undefined;
      throw keysUnavailable(error);
    }
  };
  return async (header, token) => {
    found ??= find();
    return (await found)(header, token);
  };
}

/** Errors of jose that are about the key set, not about the token. */
function isKeySetError(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  // "Expected 200 OK …" and "Failed to parse …" carry the base class's own code; a token's faults have codes of their own.
  if (error instanceof errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC';
  return true;
}

function toVerifierError(error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error;
  return isKeySetError(error) ? keysUnavailable(error) : unauthenticated(error);
}

/** `scope` is a string with spaces (RFC 9068), `scp` a string (Entra ID) or an array (others). Unknown scopes say nothing. */
function parseScopes(payload: JWTPayload): ReadonlySet<Scope> {
  const given = new Set<unknown>();
  for (const claim of [payload['scope'], payload['scp']]) {
    const scopes: readonly unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
    for (const scope of scopes) given.add(scope);
  }
  return new Set(knownScopes.filter((scope) => given.has(scope)));
}

function parseSubject(issuerHost: string, subject: unknown): UserId {
  if (typeof subject !== 'string' || subject === '') throw unauthenticated();
  try {
    return parseUserId(`${issuerHost}|${subject}`);
  } catch (error) {
    throw unauthenticated(error);
  }
}

/** Throws `malformed` at once when an algorithm that proves nothing (none, HS*) is on the allow-list. */
export function createOidcTokenVerifier(options: OidcTokenVerifierOptions): TokenVerifier {
  const algorithms = [...(options.algorithms ?? defaultAlgorithms)];
  if (algorithms.length === 0 || algorithms.some((name) => !/^(RS|PS|ES|Ed)/.test(name))) {
    throw new TidemarkError('malformed', 'only asymmetric signature algorithms can be allowed');
  }
  const keys = createKeySource(options.issuer, options.fetch ?? globalThis.fetch);
  // Without the port: a stack that was moved to another one still knows its users.
  const issuerHost = new URL(options.issuer).hostname;
  const verify = async (token: string): Promise<Caller> => {
    if (token.length > tokenCharactersMax) throw unauthenticated();
    const { payload } = await jwtVerify(token, keys, {
      issuer: options.issuer,
      audience: options.audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(options.clock.now()),
      requiredClaims: ['exp', 'sub'],
    });
    return { userId: parseSubject(issuerHost, payload.sub), scopes: parseScopes(payload) };
  };
  return {
    verify: async (token) => {
      try {
        return await verify(token);
      } catch (error) {
        throw toVerifierError(error);
      }
    },
  };
}
