/** A request of REST, as its routes see it, and what they answer. */
import type { Connection } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { type Filter, parseFilter } from './filter.ts';
import { type Filtered } from './filter.ts';
import type { Hub } from './hub.ts';

export interface RestRequest {
  readonly endpoint: Endpoint;
  readonly hubName: string;
  readonly hub: Hub;
  readonly query: URLSearchParams;
  /** The URL without its query, for links. */
  readonly url: string;
  /** What the path names: `group`, `userId`, `connectionId`, `permission`. */
  readonly named: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface RestAnswer {
  readonly status: number;
  /** As JSON. */
  readonly body?: object;
  /** When to try again. */
  readonly retryAfterSeconds?: number;
}

export type Route = (request: RestRequest) => RestAnswer | Promise<RestAnswer>;

export function answerError(status: number, code: string, message: string): RestAnswer {
  return { status, body: { code, message } };
}

/** Thrown by readers of parameters; becomes a 400. */
export class BadRequest extends Error {}

export function namedOf(request: RestRequest, name: string): string {
  return request.named[name] ?? '';
}

function filteredOf({ identity, groups }: Connection): Filtered {
  return { connectionId: identity.connectionId, userId: identity.userId, groups };
}

export function mustParseFilter(text: string, { bounds }: Endpoint): (connection: Connection) => boolean {
  const filter: Filter | undefined = parseFilter(text, bounds.filterCharactersMax);
  if (filter === undefined) {
    throw new BadRequest(
      'This endpoint serves filters of userId, connectionId and groups with eq, ne, in, and, or, not.',
    );
  }
  return (connection) => filter(filteredOf(connection));
}

/** Whom `excluded` and `filter` leave. */
export function wantedBy({ query, endpoint }: RestRequest): (connection: Connection) => boolean {
  const excluded = new Set(query.getAll('excluded'));
  const text = query.get('filter');
  const passes = text === null || text === '' ? () => true : mustParseFilter(text, endpoint);
  return (connection) => !excluded.has(connection.identity.connectionId) && passes(connection);
}

/** An integer of the query. @throws BadRequest when it is none, or out of its range. */
export function integerOf(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw new BadRequest(`${name} is not in its range.`);
  return value;
}
