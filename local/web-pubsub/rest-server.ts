/** REST: finds the route, checks the token, reads the body, and answers as the SDK reads answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { declaresTooLarge, readWhole } from '../host/http-body.ts';
import { bearerOf } from './access-tokens.ts';
import { type Endpoint, isHubName } from './endpoint.ts';
import { isGroupName } from './json-protocol.ts';
import { BadRequest, type RestAnswer, type Route, answerError } from './rest-request.ts';
import { routes } from './rest-routes.ts';

interface Found {
  readonly hubName: string;
  readonly named: Readonly<Record<string, string>>;
  readonly route: Route;
}

const unknown = answerError(404, 'NotFound', 'There is nothing at this path.');
const tooLarge = answerError(413, 'RequestBodyTooLarge', 'The body is larger than a message may be.');

/** Undefined: an escape that stands for nothing. */
function segmentsOf(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function match(pattern: string, segments: readonly string[]): Readonly<Record<string, string>> | undefined {
  const parts = pattern.split('/').slice(1);
  if (parts.length !== segments.length) return undefined;
  const named: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index]!;
    if (part.startsWith('{')) named[part.slice(1, -1)] = segment;
    else if (part !== segment) return undefined;
  }
  const isNamed = Object.values(named).every((value) => value !== '');
  return isNamed && (named['group'] === undefined || isGroupName(named['group'])) ? named : undefined;
}

function find(method: string, path: string): Found | undefined {
  const segments = segmentsOf(path);
  const [api, hubs, hubName = '', ...rest] = segments ?? [];
  if (api !== 'api' || hubs !== 'hubs' || !isHubName(hubName)) return undefined;
  for (const [routeMethod, pattern, route] of routes) {
    const named = routeMethod === method ? match(pattern, rest) : undefined;
    if (named !== undefined) return { hubName, named, route };
  }
  return undefined;
}

/**
 * Whether a request's target is written as URLs are. Other forms, with `..` or a backslash, mean another path to whoever reads URLs than to
 * whoever splits them, and a token is for the one while the route is found by the other.
 */
function isNormal(target: string): boolean {
  const url = URL.parse(target, 'http://endpoint');
  return url !== null && url.pathname + url.search === target;
}

async function decide(endpoint: Endpoint, request: IncomingMessage): Promise<RestAnswer> {
  const { method = '', url = '', headers } = request;
  if (!isNormal(url)) return unknown;
  const [path = '', search = ''] = url.split('?', 2);
  if (path === '/api/health') return { status: 200 };
  const token = bearerOf(headers.authorization);
  if (token === undefined || !(await endpoint.tokens.verifyRequest(token, endpoint.url() + url))) {
    return answerError(401, 'Unauthorized', 'The access token is not for this request.');
  }
  const found = find(method, path);
  if (found === undefined) return unknown;
  const query = new URLSearchParams(search);
  if (!query.has('api-version')) return answerError(400, 'InvalidApiVersion', 'api-version is missing.');
  const { requestBytesMax } = endpoint.bounds;
  if (declaresTooLarge(request, requestBytesMax)) return tooLarge;
  const body = await readWhole(request, requestBytesMax);
  return found.route({
    endpoint,
    hubName: found.hubName,
    hub: endpoint.hubs.get(found.hubName),
    query,
    url: endpoint.url() + path,
    named: found.named,
    contentType: headers['content-type'] ?? '',
    body,
  });
}

function answerTo(endpoint: Endpoint, error: unknown): RestAnswer {
  if (error instanceof BadRequest) return answerError(400, 'InvalidRequest', error.message);
  if (isTidemarkError(error, 'too-large')) return tooLarge;
  endpoint.log.error({ error: error instanceof Error ? error.name : 'unknown' }, 'a request failed');
  return answerError(500, 'InternalServerError', 'The request failed.');
}

function write(request: IncomingMessage, response: ServerResponse, answer: RestAnswer): void {
  const { status, body, retryAfterSeconds } = answer;
  const text = body === undefined ? '' : JSON.stringify(body);
  const code = body !== undefined && 'code' in body ? { 'x-ms-error-code': String(body.code) } : {};
  // A body that nobody read would be taken for the next request.
  const connection = request.complete ? {} : { connection: 'close' };
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` };
  const headers = { ...code, ...connection, ...retry };
  if (text === '') response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': 0 });
  else response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
  response.end(request.method === 'HEAD' ? undefined : text);
}

/** Answers one request whatever happens. */
export async function serveRest(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let answer: RestAnswer;
  try {
    answer = await decide(endpoint, request);
  } catch (error) {
    // The client went away. (A request that was read to its end counts as destroyed too.)
    if (response.destroyed) return;
    answer = answerTo(endpoint, error);
  }
  write(request, response, answer);
}
