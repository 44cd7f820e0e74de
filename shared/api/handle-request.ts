/**
 * One request from its arrival to its answer: finds the route, checks the token, takes one of the caller's requests, runs the use
 * case in the caller's session, turns whatever is thrown into a problem, and counts.
 */
import { TidemarkError, isTidemarkError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { type Trace, correlationHeader, correlationIdOf, traceOf } from './correlation.ts';
import { checkDevice } from './device-header.ts';
import { findRoute, pathWithinApi } from './match-route.ts';
import { decodeParams } from './parameters.ts';
import { errorToProblem } from './problem.ts';
import { takeRequest } from './rate-limit.ts';
import { redact } from './redact.ts';
import type { RequestKeys } from './request-keys.ts';
import type { ApiDependencies, Route } from './route.ts';
import { chargeHeader, isSessionToken, sessionHeader, sessionTokenOf } from './session-token.ts';

/** What a service has for all its requests. */
export interface Served {
  readonly deps: ApiDependencies;
  readonly table: readonly Route[];
  readonly keys: RequestKeys;
}

/** One request on its way. */
interface Exchange extends Served {
  readonly request: Request;
  readonly url: URL;
  readonly trace: Trace;
  readonly correlationId: string;
  /** Headers of the answer, whatever it will be. */
  readonly headers: Headers;
  /** The pattern of the route, for metrics; `none` until one fits. */
  route: string;
}

/** Never rejects. */
export async function handleRequest(
  served: Served,
  request: Request,
  invocationId: string | undefined,
): Promise<Response> {
  const { deps } = served;
  const startedMs = deps.clock.now();
  const trace = traceOf(request.headers, deps.randomness);
  const correlationId = correlationIdOf(request.headers, invocationId, trace);
  const headers = new Headers({
    [correlationHeader]: correlationId,
    traceparent: trace.traceparent,
    'x-content-type-options': 'nosniff',
  });
  const exchange = { ...served, request, url: new URL(request.url), trace, correlationId, headers, route: 'none' };
  const response = await answerOrRefuse(exchange, () => answer(exchange));
  for (const [name, value] of headers) response.headers.set(name, value);
  measure(exchange, response.status, deps.clock.now() - startedMs);
  return response;
}

async function answerOrRefuse(exchange: Exchange, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    const problem = errorToProblem(error, exchange.correlationId);
    logProblem(exchange, error, problem.code, problem.response.status);
    return problem.response;
  }
}

async function answer(exchange: Exchange): Promise<Response> {
  const { deps, table, keys, request, url, headers } = exchange;
  const { urlBytesMax } = limits;
  if (request.url.length > urlBytesMax) {
    throw new TidemarkError('too-large', `the URL is over ${urlBytesMax} bytes`, { data: { urlBytesMax } });
  }
  const match = findRoute(table, request.method, pathWithinApi(url.pathname));
  if (match.kind === 'none') throw new TidemarkError('not-found', 'there is no such route');
  if (match.kind === 'other-method') {
    throw new TidemarkError('method-not-allowed', 'this route has other methods', { data: { allow: match.allow } });
  }
  const { route } = match;
  exchange.route = route.path;
  const run = async (caller: Caller | undefined): Promise<Response> => {
    const params = decodeParams(match.params);
    return route.answer(deps, { request, params, query: url.searchParams, keys, table }, caller);
  };
  if (route.scope === null) return run(undefined);
  // Answers to callers hold signed URLs and what is theirs alone; refusals tell about both.
  headers.set('cache-control', 'no-store');
  const caller = await authenticate(deps, request.headers);
  if (deps.rateLimiter !== null) takeRequest(deps.rateLimiter, caller.userId, deps.clock.now(), headers);
  if (!caller.scopes.has(route.scope)) {
    throw new TidemarkError('forbidden', `the access token lacks the scope ${route.scope}`, {
      data: { scope: route.scope },
    });
  }
  return inSession(exchange, async () => {
    await checkDevice(deps, caller, request.headers);
    return run(caller);
  });
}

/** A token as RFC 6750 has it; longer ones are not ours. */
const bearer = /^Bearer +([A-Za-z0-9._~+/-]{1,16384}=*) *$/i;

/** The one place where a token is looked at. Throws `unauthenticated`. */
async function authenticate(deps: ApiDependencies, headers: Headers): Promise<Caller> {
  const token = bearer.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined) throw new TidemarkError('unauthenticated', 'this needs an access token');
  return deps.tokens.verify(token);
}

/** What is thrown becomes an answer within the session, so that the session goes on after a refusal too. */
async function inSession(exchange: Exchange, work: () => Promise<Response>): Promise<Response> {
  const { deps, request, headers, route } = exchange;
  const scoped = await deps.scope.run(sessionTokenOf(request.headers), () => answerOrRefuse(exchange, work));
  if (isSessionToken(scoped.sessionToken)) headers.set(sessionHeader, scoped.sessionToken);
  if (scoped.charge > 0) {
    headers.set(chargeHeader, String(Number(scoped.charge.toFixed(2))));
    deps.metrics.record('tidemark.request.charge', scoped.charge, { route });
  }
  return scoped.value;
}

function measure({ deps, request, correlationId, trace, route }: Exchange, status: number, tookMs: number): void {
  const milliseconds = Math.max(0, tookMs);
  const method = route === 'none' ? 'any' : request.method;
  const attributes = { route, method, status: `${Math.floor(status / 100)}xx` };
  deps.metrics.count('tidemark.request.count', 1, attributes);
  deps.metrics.record('tidemark.request.milliseconds', milliseconds, attributes);
  const { traceId } = trace;
  deps.log.debug({ correlationId, traceId, route, method, status, milliseconds }, 'answered a request');
}

/** Refusals are the caller's affair; our own faults are logged with all we know, less what opens doors. */
function logProblem({ deps, correlationId }: Exchange, error: unknown, code: string, status: number): void {
  if (code !== 'internal') {
    deps.log.debug({ code, status, correlationId }, 'refused a request');
    return;
  }
  const stack = error instanceof Error ? redact(error.stack ?? error.message) : redact(String(error));
  const cause = error instanceof Error && error.cause instanceof Error ? redact(error.cause.message) : null;
  const inner = isTidemarkError(error) ? error.code : null;
  deps.log.error({ code, inner, status, correlationId, stack, cause }, 'a request failed by our fault');
}
