/**
 * Tokens that are signed with the access key: HS256 and nothing else, for one audience each. Those of clients name a hub, those of REST
 * the URL of one request; neither is good for the other. The key is the text of the connection string, as the SDKs use it, not its bytes.
 */
import { type JWTPayload, SignJWT, jwtVerify } from 'jose';
import type { Clock } from '../../shared/ports/clock.ts';

/** Longer tokens are refused unread; headers and URLs end at 16 KiB anyway. */
const tokenCharactersMax = 16_384;
const algorithm = 'HS256';

export interface ClientClaims {
  /** Undefined: an anonymous connection. */
  readonly userId: string | undefined;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** All claims, as the event handler gets them. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
}

export interface ClientTokenRequest {
  readonly userId: string | undefined;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly minutes: number;
}

function textsOf(claim: unknown): string[] {
  if (claim === undefined || claim === null) return [];
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
}

/** A claim may be anything; the library does not look. */
function isUser(sub: unknown): sub is string | undefined {
  return sub === undefined || typeof sub === 'string';
}

function audiencesOf(hub: string, endpoint: string): string[] {
  return [`${endpoint}/client/hubs/${hub}`, `${endpoint}/client/?hub=${hub}`];
}

function sameUrl(one: string, other: string): boolean {
  const left = URL.parse(one);
  const right = URL.parse(other);
  return left !== null && right !== null && left.href === right.href;
}

export class AccessTokens {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #toleranceSeconds: number;

  constructor(accessKey: string, clock: Clock, toleranceSeconds: number) {
    this.#key = new TextEncoder().encode(accessKey);
    this.#clock = clock;
    this.#toleranceSeconds = toleranceSeconds;
  }

  /** What a token of a client says. Undefined: it opens nothing here. Why is not told. */
  async verifyClient(token: string, hub: string, endpoint: string): Promise<ClientClaims | undefined> {
    const payload = await this.#verify(token, audiencesOf(hub, endpoint));
    if (payload === undefined || !isUser(payload.sub)) return undefined;
    return {
      userId: payload.sub === '' ? undefined : payload.sub,
      roles: textsOf(payload['role']),
      groups: textsOf(payload['webpubsub.group']),
      claims: Object.fromEntries(Object.entries(payload).map(([name, claim]) => [name, textsOf(claim)])),
    };
  }

  /** Whether a token is for a request to this URL. Its audience may leave the query out. */
  async verifyRequest(token: string, url: string): Promise<boolean> {
    const audiences = textsOf((await this.#verify(token))?.aud);
    return audiences.some((audience) => sameUrl(audience, url) || sameUrl(audience, url.split('?', 1)[0]!));
  }

  signClient(request: ClientTokenRequest, hub: string, endpoint: string): Promise<string> {
    const nowSeconds = Math.floor(this.#clock.now() / 1_000);
    const claims = {
      ...(request.roles.length > 0 ? { role: request.roles } : {}),
      ...(request.groups.length > 0 ? { 'webpubsub.group': request.groups } : {}),
    };
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + request.minutes * 60)
      .setAudience(audiencesOf(hub, endpoint)[0]!);
    if (request.userId !== undefined) token.setSubject(request.userId);
    return token.sign(this.#key);
  }

  async #verify(token: string, audience?: string[]): Promise<JWTPayload | undefined> {
    if (token.length > tokenCharactersMax) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        requiredClaims: ['exp', 'aud'],
        currentDate: new Date(this.#clock.now()),
        clockTolerance: this.#toleranceSeconds,
        ...(audience === undefined ? {} : { audience }),
      });
      return payload;
    } catch {
      return undefined;
    }
  }
}

/** The token of an Authorization header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
}
