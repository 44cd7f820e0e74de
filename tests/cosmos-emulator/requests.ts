/** One request, from its parts to its answer. The request's headers are looked at here only; what is not known is refused. */
import { runBatch } from './batch.ts';
import { parseDefinition } from './definition.ts';
import { type Done, type Place, create, read, remove, replace, upsert } from './documents.ts';
import { readPage } from './feed.ts';
import { parseQuery, planOf } from './query.ts';
import { Refusal, unknown } from './refusal.ts';
import { readLsn, sessionTokenOf } from './session.ts';
import type { Container, Storage } from './storage.ts';
import type { Target } from './target.ts';

export type RequestHeaders = Readonly<Record<string, string | undefined>>;

export interface EmulatedRequest {
  readonly method: string;
  readonly target: Target;
  readonly headers: RequestHeaders;
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface World {
  readonly storage: Storage;
  /** The documents' clock. */
  readonly now: () => number;
  /** How many writes a read without a session token is behind, now. */
  readonly lag: () => number;
  readonly endpoint: () => string;
}

/** Headers that change what a request means, or that the SDK always sends and that change nothing here. */
const knownHeaders = new Set([
  'x-ms-date',
  'x-ms-version',
  'x-ms-useragent',
  'x-ms-session-token',
  'x-ms-documentdb-partitionkey',
  'x-ms-documentdb-isquery',
  'x-ms-documentdb-is-upsert',
  'x-ms-documentdb-query-enablecrosspartition',
  'x-ms-documentdb-responsecontinuationtokenlimitinkb',
  'x-ms-cosmos-sdk-supportedcapabilities',
  'x-ms-cosmos-is-query-plan-request',
  'x-ms-cosmos-query-version',
  'x-ms-cosmos-supported-query-features',
  'x-ms-cosmos-correlated-activityid',
  'x-ms-cosmos-is-batch-request',
  'x-ms-cosmos-batch-atomic',
  'x-ms-max-item-count',
  'x-ms-continuation',
  'x-ms-consistency-level',
  // The SDK of a client that lets several regions be written says so; this account has one.
  'x-ms-cosmos-allow-tentative-writes',
]);

function checkHeaders(headers: RequestHeaders): void {
  for (const name of Object.keys(headers)) {
    if ((name.startsWith('x-ms-') && !knownHeaders.has(name)) || name === 'if-none-match' || name === 'a-im') {
      throw unknown(`the header ${name}`);
    }
  }
  if (!['Session', undefined].includes(headers['x-ms-consistency-level'])) throw unknown('this consistency level');
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

function account(endpoint: string): Answer {
  const here = [{ name: 'Emulated', databaseAccountEndpoint: endpoint }];
  return {
    status: 200,
    headers: {},
    body: {
      id: 'emulator',
      _self: '',
      writableLocations: here,
      readableLocations: here,
      enableMultipleWriteLocations: false,
      userConsistencyPolicy: { defaultConsistencyLevel: 'Session' },
    },
  };
}

function databases({ storage }: World, { method, target, body }: EmulatedRequest): Answer {
  const id = target.database ?? (body as { id?: unknown } | null)?.id;
  if (typeof id !== 'string' || id === '') throw new Refusal(400, 'a database has an id');
  const exists = storage.hasDatabase(id);
  if (target.database === undefined && method === 'POST') {
    if (exists) throw new Refusal(409, 'the database exists');
    storage.createDatabase(id);
    return { status: 201, headers: {}, body: { id } };
  }
  if (!exists) throw new Refusal(404, 'the database does not exist');
  if (method === 'GET') return { status: 200, headers: {}, body: { id } };
  if (method !== 'DELETE') throw unknown(`${method} of a database`);
  storage.transact(() => storage.deleteDatabase(id));
  return { status: 204, headers: {} };
}

function containers({ storage }: World, { method, target, body }: EmulatedRequest): Answer {
  const database = target.database!;
  if (!storage.hasDatabase(database)) throw new Refusal(404, 'the database does not exist');
  if (target.container === undefined) {
    if (method !== 'POST') throw unknown(`${method} of containers`);
    const definition = parseDefinition(body);
    if (storage.container(database, definition.id) !== undefined) throw new Refusal(409, 'the container exists');
    storage.createContainer(database, definition);
    return { status: 201, headers: {}, body: definition };
  }
  const container = mustContainer(storage, target);
  if (method !== 'GET') throw unknown(`${method} of a container`);
  return { status: 200, headers: {}, body: { ...container.definition, _rid: container.rid, _self: container.rid } };
}

function mustContainer(storage: Storage, target: Target): Container {
  const container = storage.container(target.database!, target.container!);
  if (container === undefined) throw new Refusal(404, 'the container does not exist', { substatus: 1003 });
  return container;
}

function partitionKeyOf(headers: RequestHeaders): string | undefined {
  const text = headers['x-ms-documentdb-partitionkey'];
  if (text === undefined) return undefined;
  const key = JSON.parse(text) as unknown;
  if (!Array.isArray(key) || key.length !== 1 || typeof key[0] !== 'string') throw unknown('this partition key');
  if (Buffer.byteLength(key[0]) > 2048) throw new Refusal(400, 'a partition key has at most 2,048 bytes');
  return JSON.stringify(key);
}

function mustPartitionKey(headers: RequestHeaders): string {
  const pk = partitionKeyOf(headers);
  if (pk === undefined) throw new Refusal(400, 'PartitionKey value must be supplied for this operation');
  return pk;
}

function answerOf(container: Container, lsn: number, { status, charge, etag, body }: Done): Answer {
  return {
    status,
    headers: { ...containerHeaders(container, lsn, charge), ...(etag === undefined ? {} : { etag }) },
    ...(body === undefined ? {} : { body }),
  };
}

function containerHeaders(container: Container, lsn: number, charge: number): Record<string, string> {
  return {
    'x-ms-session-token': sessionTokenOf(lsn),
    'x-ms-request-charge': String(charge),
    'x-ms-content-path': container.rid,
  };
}

/** A refusal after the container was found tells the session too, as the service does. */
function withSession<Value>(container: Container, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal) || error.substatus === 1002) throw error;
    const headers = { ...containerHeaders(container, container.lsn, 1), ...error.headers };
    const { substatus } = error;
    throw new Refusal(error.status, error.message, { headers, ...(substatus === undefined ? {} : { substatus }) });
  }
}

function write(world: World, container: Container, pk: string, work: (place: Place) => Done): Answer {
  const { storage, now } = world;
  return storage.transact(() => {
    const lsn = storage.nextLsn(container.rid);
    return answerOf(container, lsn, work({ storage, container, pk, lsn, nowMs: now() }));
  });
}

function feed(world: World, container: Container, { headers, body }: EmulatedRequest): Answer {
  const query = parseQuery(body);
  if (isTrue(headers['x-ms-cosmos-is-query-plan-request'])) return { status: 200, headers: {}, body: planOf(query) };
  const pk = partitionKeyOf(headers);
  if (pk === undefined && !isTrue(headers['x-ms-documentdb-query-enablecrosspartition'])) {
    throw new Refusal(400, 'cross partition query is required but disabled');
  }
  const lsn = readLsn(container.lsn, world.lag(), headers['x-ms-session-token']);
  const page = readPage(world.storage, container, query, {
    pk,
    lsn,
    from: headers['x-ms-continuation'],
    size: headers['x-ms-max-item-count'],
  });
  const more = page.continuation === undefined ? {} : { 'x-ms-continuation': page.continuation };
  return {
    status: 200,
    headers: { ...containerHeaders(container, lsn, page.charge), ...more },
    body: { _rid: container.rid, Documents: page.documents, _count: page.documents.length },
  };
}

function batch(world: World, container: Container, { headers, body }: EmulatedRequest): Answer {
  if (!isTrue(headers['x-ms-cosmos-batch-atomic'])) throw unknown('a batch that is not atomic');
  const { storage, now } = world;
  const pk = mustPartitionKey(headers);
  let lsn = container.lsn;
  const makePlace = () => {
    lsn = storage.nextLsn(container.rid);
    return { storage, container, pk, lsn, nowMs: now() };
  };
  const minimal = headers['prefer'] === 'return=minimal';
  const { status, charge, results } = runBatch(makePlace, (work) => storage.transact(work), body, minimal);
  const seen = status === 200 ? lsn : container.lsn;
  return { status, headers: containerHeaders(container, seen, charge), body: results };
}

function documents(world: World, container: Container, request: EmulatedRequest): Answer {
  const { method, target, headers, body } = request;
  const ifMatch = headers['if-match'];
  if (target.document === undefined) {
    if (method !== 'POST') throw unknown(`${method} of documents`);
    const isQuery = isTrue(headers['x-ms-documentdb-isquery']) || isTrue(headers['x-ms-cosmos-is-query-plan-request']);
    if (isQuery) return feed(world, container, request);
    if (isTrue(headers['x-ms-cosmos-is-batch-request'])) return batch(world, container, request);
    const isUpsert = isTrue(headers['x-ms-documentdb-is-upsert']);
    return write(world, container, mustPartitionKey(headers), (place) =>
      isUpsert ? upsert(place, body, ifMatch) : create(place, body),
    );
  }
  const pk = mustPartitionKey(headers);
  const id = target.document;
  if (method === 'PUT') return write(world, container, pk, (place) => replace(place, id, body, ifMatch));
  if (method === 'DELETE') return write(world, container, pk, (place) => remove(place, id, ifMatch));
  if (method !== 'GET') throw unknown(`${method} of a document`);
  const lsn = readLsn(container.lsn, world.lag(), headers['x-ms-session-token']);
  const done = read({ storage: world.storage, container, pk, lsn, nowMs: world.now() }, id);
  return answerOf(container, lsn, done);
}

/** Throws a Refusal for whatever is not answered. */
export function answer(world: World, request: EmulatedRequest): Answer {
  const { target, method, headers } = request;
  checkHeaders(headers);
  switch (target.resourceType) {
    case '':
      if (method !== 'GET') throw unknown(`${method} of the account`);
      return account(world.endpoint());
    case 'dbs':
      return databases(world, request);
    case 'colls':
      return containers(world, request);
    case 'docs': {
      const container = mustContainer(world.storage, target);
      return withSession(container, () => documents(world, container, request));
    }
    default:
      throw unknown(`the resource ${target.resourceType}`);
  }
}
