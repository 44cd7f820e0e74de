/** What a client asks for in the URL and the headers of its upgrade. */
import type { IncomingHttpHeaders } from 'node:http';
import { bearerOf } from './access-tokens.ts';
import { isHubName } from './endpoint.ts';

export interface ClientTarget {
  readonly hub: string;
  readonly token: string | undefined;
  /** Both, when a socket comes back to a connection. */
  readonly recovery: { readonly connectionId: string; readonly reconnectionToken: string } | undefined;
  readonly subprotocols: readonly string[];
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** They are secrets of the client and the endpoint; the event handler has the claims. */
const secretParameters: ReadonlySet<string> = new Set([
  'access_token',
  'awps_connection_id',
  'awps_reconnection_token',
]);
const secretHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'sec-websocket-key',
]);

function hubOf(url: URL): string | undefined {
  const inPath = /^\/client\/hubs\/([^/]+)\/?$/.exec(url.pathname)?.[1];
  const hub = inPath ?? (/^\/client\/?$/.test(url.pathname) ? url.searchParams.get('hub') : null);
  return hub !== null && isHubName(hub) ? hub : undefined;
}

function listsOf(entries: Iterable<readonly [string, string]>, left: ReadonlySet<string>): Record<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const [name, value] of entries) {
    if (left.has(name)) continue;
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [value]);
    else list.push(value);
  }
  return Object.fromEntries(lists);
}

function* headerEntries(headers: IncomingHttpHeaders): Generator<readonly [string, string]> {
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) yield [name, one];
  }
}

/** Undefined: nothing of this endpoint is there. */
export function readClientTarget(path: string, headers: IncomingHttpHeaders): ClientTarget | undefined {
  const url = URL.parse(path, 'http://endpoint');
  const hub = url === null ? undefined : hubOf(url);
  if (url === null || hub === undefined) return undefined;
  const connectionId = url.searchParams.get('awps_connection_id');
  const reconnectionToken = url.searchParams.get('awps_reconnection_token');
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return {
    hub,
    token: url.searchParams.get('access_token') ?? bearerOf(headers.authorization),
    recovery: connectionId !== null && reconnectionToken !== null ? { connectionId, reconnectionToken } : undefined,
    subprotocols: offered.filter((name) => name !== ''),
    query: listsOf(url.searchParams, secretParameters),
    headers: listsOf(headerEntries(headers), secretHeaders),
  };
}
