/**
 * A key vault of one tenant as the SDK sees it: the challenge that begins every client's work, versions of secrets with attributes and
 * tags, pages. It answers the SDK's own requests, to a vault's real address, in place of the network.
 */
import { randomBytes } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { type VaultSecret, openVaultSecret } from '../../shared/adapters/key-vault/vault-ring.ts';
import type { Clock } from '../../shared/ports/clock.ts';

export const vaultUrl = 'https://tidemark-test.vault.azure.net';
const tenant = '72f988bf-0000-4000-8000-000000000000';
const pageSize = 2;

export interface FakeVersion {
  readonly name: string;
  readonly version: string;
  value: string;
  enabled: boolean;
  readonly created: number;
  readonly nbf?: number;
  tags: Record<string, string>;
}

type HttpClient = NonNullable<NonNullable<Parameters<typeof openVaultSecret>[3]>['httpClient']>;
type HttpRequest = Parameters<HttpClient['sendRequest']>[0];
type HttpResponse = Awaited<ReturnType<HttpClient['sendRequest']>>;

/** The part of the answer that the SDK's pipeline reads, from a Response. */
async function toSdkResponse(request: HttpRequest, response: Response): Promise<HttpResponse> {
  const { status, headers } = response;
  const fields = {
    get: (name: string) => headers.get(name) ?? undefined,
    has: (name: string) => headers.has(name),
    toJSON: () => Object.fromEntries(headers),
    [Symbol.iterator]: () => headers.entries(),
  };
  return { request, status, headers: fields, bodyAsText: await response.text() } as unknown as HttpResponse;
}

interface SetBody {
  readonly value?: string;
  readonly tags?: Record<string, string>;
  readonly attributes?: { readonly enabled?: boolean; readonly nbf?: number };
}

export class FakeKeyVault {
  readonly versions: FakeVersion[] = [];
  /** `METHOD path` of each request that came in. */
  readonly requests: string[] = [];
  readonly scopes: (readonly string[])[] = [];
  /** Called before each request is answered; a Response from here is the answer. */
  onRequest: (method: string, path: string) => Response | undefined | Promise<undefined> = () => undefined;
  /** Versions cannot be read before their `notBefore`. Vaults let them be, today. */
  hidesFuture = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The secret, by a client and an identity of its own. */
  secret(name = 'signing-key'): VaultSecret {
    const credential: TokenCredential = {
      getToken: async (scopes) => {
        this.scopes.push([scopes].flat());
        return { token: 'vault-token', expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    const httpClient: HttpClient = {
      sendRequest: async (request) => {
        const { url, method, body } = request;
        const init = { method, headers: request.headers.toJSON(), ...(typeof body === 'string' && { body }) };
        return toSdkResponse(request, await this.#answer(new Request(url, init)));
      },
    };
    return openVaultSecret(vaultUrl, name, credential, { httpClient, retryOptions: { maxRetries: 0 } });
  }

  /** A version as an operator puts it there by hand. */
  put(value: string, more: Partial<FakeVersion> = {}): FakeVersion {
    const version = randomBytes(16).toString('hex');
    const created = Math.floor(this.#clock.now() / 1_000);
    const made = { name: 'signing-key', version, value, enabled: true, created, tags: {}, ...more };
    this.versions.push(made);
    return made;
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.requests.push(`${request.method} ${url.pathname}`);
    const forced = await this.onRequest(request.method, url.pathname);
    if (forced !== undefined) return forced;
    if (request.headers.get('authorization') === null) return challenge();
    if (request.headers.get('authorization') !== 'Bearer vault-token') return problem(403, 'Forbidden');
    if (!url.searchParams.has('api-version')) return problem(400, 'BadParameter');
    const [, , name = '', version = ''] = url.pathname.split('/');
    if (request.method === 'GET' && version === 'versions') return this.#list(name, url);
    const body = request.method === 'GET' ? {} : ((await request.json()) as SetBody);
    if (request.method === 'PUT') return Response.json(this.#view(this.#set(name, body), true));
    const found = this.versions.find((each) => each.name === name && each.version === version);
    if (found === undefined) return problem(404, 'SecretNotFound');
    if (request.method === 'PATCH') found.enabled = body.attributes?.enabled ?? found.enabled;
    else if (!found.enabled || (this.hidesFuture && (found.nbf ?? 0) * 1_000 > this.#clock.now())) {
      return problem(403, 'Forbidden');
    }
    return Response.json(this.#view(found, request.method === 'GET'));
  }

  #set(name: string, { value, tags, attributes }: SetBody): FakeVersion {
    const nbf = attributes?.nbf;
    return this.put(value!, {
      name,
      enabled: attributes?.enabled ?? true,
      tags: tags ?? {},
      ...(nbf !== undefined && { nbf }),
    });
  }

  #list(name: string, url: URL): Response {
    const all = this.versions.filter((each) => each.name === name);
    if (all.length === 0) return problem(404, 'SecretNotFound');
    const from = Number(url.searchParams.get('from') ?? 0);
    const more = new URL(url);
    more.searchParams.set('from', String(from + pageSize));
    return Response.json({
      value: all.slice(from, from + pageSize).map((each) => this.#view(each, false)),
      nextLink: from + pageSize < all.length ? more.href : null,
    });
  }

  #view({ name, version, value, enabled, created, nbf, tags }: FakeVersion, withValue: boolean): object {
    return {
      id: `${vaultUrl}/secrets/${name}/${version}`,
      attributes: {
        enabled,
        created,
        updated: created,
        recoveryLevel: 'Recoverable',
        ...(nbf !== undefined && { nbf }),
      },
      tags,
      ...(withValue && { value }),
    };
  }
}

function challenge(): Response {
  const asked = `Bearer authorization="https://login.microsoftonline.com/${tenant}", resource="https://vault.azure.net"`;
  return new Response('{"error":{"code":"Unauthorized"}}', { status: 401, headers: { 'www-authenticate': asked } });
}

export function problem(status: number, code: string): Response {
  return Response.json({ error: { code, message: `as a vault says ${code}` } }, { status });
}
