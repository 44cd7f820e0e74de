/** Routes: what the API's table is made of. */
import { type ErrorCode, TidemarkError } from '../core/errors.ts';
import type { RequestId, UserId } from '../core/ids.ts';
import type { Schema } from '../core/wire/schema.ts';
import type { ServerConfiguration } from '../core/wire/server-info.ts';
import type { RateLimiter } from '../ports/rate-limiter.ts';
import type { RequestScope } from '../ports/request-scope.ts';
import type { Caller, Scope, TokenVerifier } from '../ports/token-verifier.ts';
import type { Commit } from '../services/commit.ts';
import type { ServiceDependencies } from '../services/dependencies.ts';
import type { Restore } from '../services/restore.ts';
import { answerForm, messageToResponse, readMessage } from './body.ts';
import { type Parameter, declaredQuery } from './parameters.ts';
import { matchesNone, strongEtag } from './preconditions.ts';
import { type RequestKeys, idempotencyKey } from './request-keys.ts';

export interface ApiDependencies extends ServiceDependencies {
  readonly tokens: TokenVerifier;
  readonly configuration: ServerConfiguration;
  /** Of this build, for /health. */
  readonly version: string;
  /** The commit use case, with the decorators that the host wants. */
  readonly commit: Commit;
  /** The restore use case, likewise. */
  readonly restore: Restore;
  readonly scope: RequestScope;
  /** Null: no limit. */
  readonly rateLimiter: RateLimiter | null;
  /** Who may use the routes of operators, besides having a token with the scope `sync.admin`. */
  readonly operators: ReadonlySet<UserId>;
}

/** A request that matched a route. */
export interface RoutedRequest {
  readonly request: Request;
  /** The path's parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly keys: RequestKeys;
  /** Every route, for those that tell about routes. */
  readonly table: readonly Route[];
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a route says of itself: checked here, and told in the OpenAPI document. */
interface Described {
  readonly path: string;
  /** A line for the list of operations, without a full stop. */
  readonly summary: string;
  /** What is worth knowing besides; CommonMark. */
  readonly description?: string;
  /** Every parameter that its query may have. Others are ignored; one that is there twice is refused. */
  readonly query?: readonly Parameter[];
  readonly response: Schema<unknown> | null;
  /** Codes that it may answer besides those that all like it may, for the OpenAPI document. */
  readonly errors?: readonly ErrorCode[];
}

export interface Route extends Described {
  readonly method: Method;
  /** `/workspaces/{ws}`: a parameter is one whole segment. */
  readonly path: string;
  /** Null: for everyone, without a token. */
  readonly scope: Scope | null;
  readonly request: Schema<unknown> | null;
  /** Of a public route whose answer is no message, JSON or otherwise. */
  readonly mediaType?: string;
  readonly takesIdempotencyKey: boolean;
  /** Whether its answers have an ETag. */
  readonly hasEtag: boolean;
  readonly ifMatch?: 'required' | 'optional';
  /** `caller` is undefined exactly when `scope` is null. */
  answer(deps: ApiDependencies, routed: RoutedRequest, caller: Caller | undefined): Promise<Response>;
}

export interface Call<Body> extends Pick<RoutedRequest, 'params' | 'query'> {
  readonly caller: Caller;
  readonly headers: Headers;
  readonly body: Body;
}

export interface KeyedCall<Body> extends Call<Body> {
  /** The header Idempotency-Key. */
  readonly requestId: RequestId;
}

interface Definition<Body, Answer> extends Described {
  readonly method: Method;
  readonly scope: Scope;
  readonly request: Schema<Body> | null;
  /** Null: the answer has no body (204). */
  readonly response: Schema<Answer> | null;
  /**
   * What stands between the quotes of the answer's ETag, before its form: its version, and after a `-` what else it shows that
   * changes (preconditions.ts). A GET with If-None-Match is answered 304 by it.
   */
  readonly etag?: (answer: Answer) => string;
  /** Whether it looks at If-Match (`ifMatchVersion`). `required`: it is refused as `precondition-required` without one. */
  readonly ifMatch?: 'required' | 'optional';
}

interface RouteDefinition<Body, Answer> extends Definition<Body, Answer> {
  run(this: void, deps: ApiDependencies, call: Call<Body>): Promise<Answer>;
}

interface KeyedDefinition<Body, Answer> extends Definition<Body, Answer> {
  run(this: void, deps: ApiDependencies, call: KeyedCall<Body>): Promise<Answer>;
}

/** A route for callers with a token: message in, use case, message out. The body is read only once the caller is known. */
export function route<Body, Answer>(definition: RouteDefinition<Body, Answer>): Route {
  const { run } = definition;
  return describe(definition, false, async (deps, routed, caller) => {
    const call = await readCall(definition, deps, routed, caller);
    return answerCall(definition, deps, routed, await run(deps, call));
  });
}

/**
 * The same for what must be done once: it needs the header Idempotency-Key, and while it runs the same request of the same caller
 * is answered `in-progress`. That a later repeat gets the same answer is for the use case to see to.
 */
export function keyedRoute<Body, Answer>(definition: KeyedDefinition<Body, Answer>): Route {
  const { run, method, path } = definition;
  return describe(definition, true, async (deps, routed, caller) => {
    const requestId = idempotencyKey(routed.request.headers);
    const { userId } = mustBeKnown(caller);
    const key = [userId, method, path, ...Object.values(routed.params), requestId].join('\n');
    return routed.keys.once(key, async () => {
      const call = await readCall(definition, deps, routed, caller);
      return answerCall(definition, deps, routed, await run(deps, { ...call, requestId }));
    });
  });
}

function describe<Body, Answer>(
  definition: Definition<Body, Answer>,
  takesIdempotencyKey: boolean,
  answer: Route['answer'],
): Route {
  const { method, path, scope, request, response, summary, description, query, errors, etag, ifMatch } = definition;
  return {
    method,
    path,
    scope,
    request,
    response,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(query === undefined ? {} : { query }),
    ...(errors === undefined ? {} : { errors }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    takesIdempotencyKey,
    hasEtag: etag !== undefined,
    answer,
  };
}

function mustBeKnown(caller: Caller | undefined): Caller {
  if (caller === undefined) throw new TidemarkError('unauthenticated', 'this needs an access token');
  return caller;
}

const noBody: unknown = null;

async function readCall<Body, Answer>(
  { request: schema, query: declared, ifMatch }: Definition<Body, Answer>,
  deps: ApiDependencies,
  { request, params, query }: RoutedRequest,
  caller: Caller | undefined,
): Promise<Call<Body>> {
  const from = mustBeKnown(caller);
  const asked = declaredQuery(query, declared ?? []);
  if (ifMatch === 'required' && !request.headers.has('if-match')) {
    throw new TidemarkError('precondition-required', 'send If-Match with the ETag that was read');
  }
  const body = schema === null ? (noBody as Body) : await readMessage(request, schema, deps.codecs);
  return { caller: from, params, query: asked, headers: request.headers, body };
}

function answerCall<Body, Answer>(
  { method, response: schema, etag }: Definition<Body, Answer>,
  deps: ApiDependencies,
  { request }: RoutedRequest,
  answer: Answer,
): Response {
  const form = answerForm(request.headers);
  const tag = etag === undefined ? null : strongEtag(etag(answer), form);
  const isKnown = tag !== null && method === 'GET' && matchesNone(request.headers, tag);
  const sent = isKnown
    ? new Response(null, { status: 304 })
    : schema === null
      ? new Response(null, { status: 204 })
      : messageToResponse(schema, answer, form, deps.codecs);
  if (tag !== null) sent.headers.set('etag', tag);
  sent.headers.set('vary', 'accept');
  sent.headers.set('cache-control', 'no-store');
  return sent;
}

interface PublicDefinition extends Described {
  /** Of an answer that is no message. */
  readonly mediaType?: string;
  answer(this: void, deps: ApiDependencies, request: Request, table: readonly Route[]): Promise<Response>;
}

/** A route for everyone, GET only, answered by the function as it likes. */
export function publicRoute({ answer, ...described }: PublicDefinition): Route {
  return {
    ...described,
    method: 'GET',
    scope: null,
    request: null,
    takesIdempotencyKey: false,
    hasEtag: false,
    answer: async (deps, { request, query, table }) => {
      declaredQuery(query, described.query ?? []);
      return answer(deps, request, table);
    },
  };
}

export function mustGetParam(params: Readonly<Record<string, string>>, name: string): string {
  const value = params[name];
  if (value === undefined) throw new TidemarkError('internal', 'a route has not the parameter that it uses');
  return value;
}

/** A flag of the query, false when it is not there. Throws `malformed` on anything but `true` and `false`. */
export function flagQuery(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw new TidemarkError('malformed', `${name} must be true or false`, { data: { field: name } });
}

/** A whole number of the query, `fallback` when it is not there. Throws `malformed` on anything else. */
export function integerQuery(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new TidemarkError('malformed', `${name} must be a whole number`, { data: { field: name } });
  }
  return value;
}
