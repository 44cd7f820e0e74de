/**
 * The HTTP face, the same on Azure, on the local host and in tests: a Request in, a Response out. It finds the route, checks
 * the token, runs the use case, and turns whatever is thrown into a problem.
 */
import { TidemarkError, isTidemarkError } from '../core/errors.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { correlationHeader, correlationIdOf, traceParentOf } from './correlation.ts';
import { errorToProblem } from './problem.ts';
import { redact } from './redact.ts';
import { type ApiDependencies, type Route, findRoute, pathWithinApi } from './route.ts';
import { deviceRoutes } from './routes/devices.ts';
import { historyRoutes } from './routes/history.ts';
import { manifestRoutes } from './routes/manifests.ts';
import { serverInfoRoutes } from './routes/server-info.ts';
import { transferRoutes } from './routes/transfer.ts';
import { workspaceRoutes } from './routes/workspaces.ts';

export type { ApiDependencies } from './route.ts';

export const routes: readonly Route[] = [
  ...workspaceRoutes,
  ...deviceRoutes,
  ...transferRoutes,
  ...manifestRoutes,
  ...historyRoutes,
  ...serverInfoRoutes,
];

export interface Api {
  /** Never rejects. */
  handle(request: Request, context?: { readonly invocationId?: string }): Promise<Response>;
}

export function createApi(deps: ApiDependencies): Api {
  return {
    async handle(request, context) {
      const correlationId = correlationIdOf(request.headers, context?.invocationId, deps.randomness);
      let response: Response;
      try {
        response = await answer(deps, request);
      } catch (error) {
        const problem = errorToProblem(error, correlationId);
        logProblem(deps, error, problem.code, problem.response.status, correlationId);
        response = problem.response;
      }
      response.headers.set(correlationHeader, correlationId);
      const traceParent = traceParentOf(request.headers);
      if (traceParent !== undefined) response.headers.set('traceparent', traceParent);
      response.headers.set('x-content-type-options', 'nosniff');
      return response;
    },
  };
}

async function answer(deps: ApiDependencies, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const match = findRoute(routes, request.method, pathWithinApi(pathname));
  if (match.kind === 'none') throw new TidemarkError('not-found', 'there is no such route');
  if (match.kind === 'other-method') {
    throw new TidemarkError('method-not-allowed', 'this route has other methods', { data: { allow: match.allow } });
  }
  const { route, params } = match;
  const caller = route.scope === null ? undefined : await authenticate(deps, request.headers, route);
  return route.answer(deps, { request, params, query: searchParams }, caller);
}

/** A token as RFC 6750 has it; longer ones are not ours. */
const bearer = /^Bearer +([A-Za-z0-9._~+/-]{1,16384}=*) *$/i;

/** The one place where a token is looked at. Throws `unauthenticated`, or `forbidden` when it lacks the route's scope. */
async function authenticate(deps: ApiDependencies, headers: Headers, route: Route): Promise<Caller> {
  const token = bearer.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined) throw new TidemarkError('unauthenticated', 'this needs an access token');
  const caller = await deps.tokens.verify(token);
  if (route.scope !== null && !caller.scopes.has(route.scope)) {
    throw new TidemarkError('forbidden', `the access token lacks the scope ${route.scope}`, {
      data: { scope: route.scope },
    });
  }
  return caller;
}

/** Refusals are the caller's affair; our own faults are logged with all we know, less what opens doors. */
function logProblem(deps: ApiDependencies, error: unknown, code: string, status: number, correlationId: string): void {
  if (code !== 'internal') {
    deps.log.debug({ code, status, correlationId }, 'refused a request');
    return;
  }
  const stack = error instanceof Error ? redact(error.stack ?? error.message) : redact(String(error));
  const cause = error instanceof Error && error.cause instanceof Error ? redact(error.cause.message) : null;
  const inner = isTidemarkError(error) ? error.code : null;
  deps.log.error({ code, inner, status, correlationId, stack, cause }, 'a request failed by our fault');
}
