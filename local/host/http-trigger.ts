/**
 * HTTP triggers, with HTTP streams (`app.setup({ enableHttpStream: true })`), which this host requires: a request is
 * handed to the library as it comes in and its answer goes out as the handler makes it, so no body is ever held whole.
 *
 * As in Azure: no route or another method is 404; HEAD needs a function that lists it; a handler that throws is an empty
 * 500 (where Azure, with streams, never answers: Azure/azure-functions-nodejs-library#324); bodies over 100 MB are 413.
 */
import type { ServerResponse } from 'node:http';
import { ReadableStream } from 'node:stream/web';
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import { isAllowed, type AuthLevel } from './access-keys.ts';
import { declaresTooLarge, paceBody, readBounded } from './http-body.ts';
import { answerEmpty } from './http-server.ts';
import { deliverToLibrary, invocationIdHeader, isProxyOpen, type LibraryRequest } from './proxy-server.ts';
import { createRouteTable, type RouteMatch } from './route-table.ts';
import type { RouteParams } from './route-template.ts';
import type {
  ExchangeRecord,
  HostContext,
  HttpExchange,
  TriggeredFunction,
  TriggerInput,
  TriggerKind,
} from './trigger.ts';

interface HttpTarget {
  readonly fn: TriggeredFunction;
  readonly authLevel: AuthLevel;
}

/** All HTTP functions behind one route table. */
export const httpTrigger: TriggerKind = (functions, host) => {
  if (functions.length > 0 && !isProxyOpen()) {
    throw new TidemarkError(
      'unsupported',
      'The app has HTTP functions but did not enable HTTP streams; call app.setup({ enableHttpStream: true }) in its entry.',
    );
  }
  const table = createRouteTable(functions.map((fn) => toRoute(fn, host.routePrefix)));
  return {
    handle(exchange) {
      const match = table.find(exchange.request.method ?? '', exchange.url.pathname);
      return match === undefined ? undefined : answer(host, exchange, match);
    },
  };
};

function toRoute(fn: TriggeredFunction, prefix: string): { methods: string[]; template: string; target: HttpTarget } {
  const { route, methods, authLevel } = fn.binding;
  const path = typeof route === 'string' ? route.replaceAll(/^\/+|\/+$/g, '') : fn.name;
  return {
    methods: Array.isArray(methods) ? methods.map((method) => String(method).toUpperCase()) : [],
    template: [prefix, path].filter((part) => part !== '').join('/'),
    target: { fn, authLevel: parseAuthLevel(authLevel, fn.name) },
  };
}

function parseAuthLevel(value: unknown, name: string): AuthLevel {
  if (value === 'anonymous' || value === 'function' || value === 'admin') return value;
  throw new TidemarkError(
    'malformed',
    `Function "${name}" has an unknown authLevel; use anonymous, function or admin.`,
  );
}

async function answer(
  host: HostContext,
  exchange: HttpExchange,
  match: RouteMatch<HttpTarget>,
): Promise<ExchangeRecord> {
  const { request, response, url } = exchange;
  const { fn, authLevel } = match.route.target;
  const route = `/${match.route.template.text}`;
  if (!isAllowed(authLevel, request, url, host.keys)) {
    answerEmpty(response, 401);
    return { route };
  }
  if (declaresTooLarge(request, host.bodyBytesMax)) {
    answerEmpty(response, 413, { connection: 'close' });
    return { route };
  }
  const invocationId = host.newInvocationId();
  await invokeStreaming(host, exchange, fn, match.params, invocationId);
  return { route, invocationId };
}

async function invokeStreaming(
  host: HostContext,
  exchange: HttpExchange,
  fn: TriggeredFunction,
  params: RouteParams,
  invocationId: string,
): Promise<void> {
  const { response } = exchange;
  const body = { tooLarge: false };
  deliverToLibrary(toLibraryRequest(exchange, invocationId, host.bodyBytesMax, body), response);
  const outcome = await host.invoke(fn, {
    ...toTriggerInput(exchange, params),
    invocationId,
    adaptResult: (result) => paceResult(result, response),
    errorResult: () => failureResult(response, body.tooLarge),
    isAbandoned: () => response.destroyed,
  });
  if (outcome.ok && !response.headersSent && !response.writableEnded) answerEmpty(response, 204);
  if (!outcome.ok && !response.writableEnded) endFailed(response, body.tooLarge);
}

function toTriggerInput(exchange: HttpExchange, params: RouteParams): TriggerInput {
  const { headers } = exchange.request;
  const entries = Object.entries(params).map(([name, value]) => [name, { string: value }] as const);
  return {
    data: {},
    metadata: { ...Object.fromEntries(entries), Headers: { json: JSON.stringify(toHeaderTexts(exchange)) } },
    traceParent: headers['traceparent']?.toString(),
    traceState: headers['tracestate']?.toString(),
  };
}

/** Headers as one text each: repeated ones joined by a comma, cookies by a semicolon, as HTTP has it. */
function toHeaderTexts({ request }: HttpExchange): Readonly<Record<string, string>> {
  const texts = Object.entries(request.headersDistinct).map(([name, values = []]) => [
    name,
    values.join(name === 'cookie' ? '; ' : ', '),
  ]);
  return Object.fromEntries(texts) as Record<string, string>;
}

function toLibraryRequest(
  exchange: HttpExchange,
  invocationId: string,
  bytesMax: number,
  body: { tooLarge: boolean },
): LibraryRequest {
  const { request, url } = exchange;
  return {
    method: request.method ?? '',
    url: url.pathname + url.search,
    headers: {
      [invocationIdHeader]: invocationId,
      'x-forwarded-host': url.host,
      'x-forwarded-proto': url.protocol.slice(0, -1),
    },
    [Symbol.asyncIterator]: () =>
      readBounded(request, bytesMax, () => {
        body.tooLarge = true;
      }),
  };
}

/** A result with its body paced. Reads the fields that results of every kind have: init objects, HttpResponse, Response. */
function paceResult(result: unknown, response: ServerResponse): unknown {
  if (result === undefined || result === null) return { status: 204 };
  if (typeof result !== 'object' || !('body' in result) || !(result.body instanceof ReadableStream)) return result;
  const { status, headers, cookies } = result as { status?: unknown; headers?: unknown; cookies?: unknown };
  return { status, headers, cookies, body: paceBody(result.body, response) };
}

function failureResult(response: ServerResponse, tooLarge: boolean): unknown {
  if (response.headersSent) return undefined;
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  return tooLarge ? { status: 413, headers: {} } : { status: 500, headers: {} };
}

/** Where the answer has begun, breaking the connection is the only way left to say that it is not whole. */
function endFailed(response: ServerResponse, tooLarge: boolean): void {
  if (response.headersSent) response.destroy();
  else answerEmpty(response, tooLarge ? 413 : 500, { connection: 'close' });
}

/** The status for an error of the host's own while it answered. */
export function statusOf(error: unknown): number {
  return isTidemarkError(error, 'too-large') ? 413 : isTidemarkError(error, 'malformed') ? 400 : 500;
}
