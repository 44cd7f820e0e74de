/** Routes: what the API's table is made of, and how a request finds its row. */
import { TidemarkError } from '../core/errors.ts';
import type { Schema } from '../core/wire/schema.ts';
import type { ServerConfiguration } from '../core/wire/server-info.ts';
import type { Caller, Scope, TokenVerifier } from '../ports/token-verifier.ts';
import type { Commit } from '../services/commit.ts';
import type { ServiceDependencies } from '../services/dependencies.ts';
import { answerForm, messageToResponse, readMessage } from './body.ts';

export interface ApiDependencies extends ServiceDependencies {
  readonly tokens: TokenVerifier;
  readonly configuration: ServerConfiguration;
  /** Of this build, for /health. */
  readonly version: string;
  /** The commit use case, with the decorators that the host wants. */
  readonly commit: Commit;
}

/** A request that matched a route. */
export interface RoutedRequest {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export type Method = 'GET' | 'POST';

export interface Route {
  readonly method: Method;
  /** `/workspaces/{ws}`: a parameter is one whole segment. */
  readonly path: string;
  /** Null: for everyone, without a token. */
  readonly scope: Scope | null;
  readonly request: Schema<unknown> | null;
  readonly response: Schema<unknown> | null;
  /** `caller` is undefined exactly when `scope` is null. */
  answer(deps: ApiDependencies, routed: RoutedRequest, caller: Caller | undefined): Promise<Response>;
}

export interface Call<Body> extends Omit<RoutedRequest, 'request'> {
  readonly caller: Caller;
  readonly headers: Headers;
  readonly body: Body;
}

interface Definition<Body, Answer> {
  readonly method: Method;
  readonly path: string;
  readonly scope: Scope;
  readonly request: Schema<Body> | null;
  readonly response: Schema<Answer>;
  run(this: void, deps: ApiDependencies, call: Call<Body>): Promise<Answer>;
}

const noBody: unknown = null;

/** A route for callers with a token: message in, use case, message out. The body is read only once the caller is known. */
export function route<Body, Answer>(definition: Definition<Body, Answer>): Route {
  const { method, path, scope, request: schema, response, run } = definition;
  return {
    method,
    path,
    scope,
    request: schema,
    response,
    async answer(deps, { request, params, query }, caller) {
      if (caller === undefined) throw new TidemarkError('unauthenticated', 'this needs an access token');
      const body = schema === null ? (noBody as Body) : await readMessage(request, schema, deps.codecs);
      const answer = await run(deps, { caller, params, query, headers: request.headers, body });
      const sent = messageToResponse(response, answer, answerForm(request.headers), deps.codecs);
      sent.headers.set('cache-control', 'no-store');
      return sent;
    },
  };
}

/** A route for everyone, GET only, answered by the function as it likes. */
export function publicRoute(
  path: string,
  response: Schema<unknown> | null,
  answer: (deps: ApiDependencies, request: Request) => Promise<Response>,
): Route {
  return {
    method: 'GET',
    path,
    scope: null,
    request: null,
    response,
    answer: (deps, { request }) => answer(deps, request),
  };
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'other-method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

/** Undefined when the path is not of the pattern. */
function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, segment] of wanted.entries()) {
    const value = given[i]!;
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}

/** The host may serve the API under `/api` or at its root; both mean the same. */
export function pathWithinApi(pathname: string): string {
  return pathname.startsWith('/api/') ? pathname.slice('/api'.length) : pathname;
}

export function findRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const allow: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params === undefined) continue;
    if (route.method === method) return { kind: 'found', route, params };
    allow.push(route.method);
  }
  return allow.length > 0 ? { kind: 'other-method', allow } : { kind: 'none' };
}

export function mustGetParam(params: Readonly<Record<string, string>>, name: string): string {
  const value = params[name];
  if (value === undefined) throw new TidemarkError('internal', 'a route has not the parameter that it uses');
  return value;
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
