/**
 * A transactional batch: at most 100 operations on one partition key, at most 2 MB, all of them or none. When one fails, the
 * answer is 207: that one has its own status, the others 424.
 */
import { type Done, type Place, create, documentBytesMax, read, remove, replace, upsert } from './documents.ts';
import { Refusal, unknown } from './refusal.ts';

const operationsMax = 100;

interface Operation {
  readonly operationType: string;
  readonly id?: string;
  readonly resourceBody?: unknown;
  readonly ifMatch?: string;
}

const known = new Set(['operationType', 'id', 'resourceBody', 'ifMatch']);

interface Result {
  readonly statusCode: number;
  readonly requestCharge: number;
  readonly eTag?: string;
  readonly resourceBody?: unknown;
}

function run(place: Place, operation: Operation): Done {
  const { operationType, id = '', resourceBody, ifMatch } = operation;
  for (const name of Object.keys(operation)) if (!known.has(name)) throw unknown(`${name} in a batch`);
  switch (operationType) {
    case 'Create':
      return create(place, resourceBody);
    case 'Upsert':
      return upsert(place, resourceBody, ifMatch);
    case 'Replace':
      return replace(place, id, resourceBody, ifMatch);
    case 'Delete':
      return remove(place, id, ifMatch);
    case 'Read':
      return read(place, id);
    default:
      throw unknown(`the operation ${operationType}`);
  }
}

/** Thrown through the transaction, so that it rolls back. */
class Failed extends Error {
  readonly at: number;
  readonly refusal: Refusal;

  constructor(at: number, refusal: Refusal) {
    super(refusal.message);
    this.at = at;
    this.refusal = refusal;
  }
}

function runAll(place: Place, operations: readonly Operation[]): Done[] {
  return operations.map((operation, at) => {
    try {
      return run(place, operation);
    } catch (error) {
      if (error instanceof Refusal) throw new Failed(at, error);
      throw error;
    }
  });
}

function resultOf({ status, charge, etag, body }: Done, minimal: boolean): Result {
  return {
    statusCode: status,
    requestCharge: charge,
    ...(etag === undefined ? {} : { eTag: etag }),
    ...(body === undefined || minimal ? {} : { resourceBody: body }),
  };
}

/** `makePlace` is called within the transaction: it takes the LSN. */
export function runBatch(
  makePlace: () => Place,
  transact: <Value>(work: () => Value) => Value,
  body: unknown,
  minimal: boolean,
): { readonly status: number; readonly charge: number; readonly results: readonly Result[] } {
  if (!Array.isArray(body) || body.length === 0) throw new Refusal(400, 'a batch has operations');
  if (body.length > operationsMax) throw new Refusal(400, `a batch has at most ${operationsMax} operations`);
  if (Buffer.byteLength(JSON.stringify(body)) > documentBytesMax) throw new Refusal(413, 'request size is too large');
  const operations = body as readonly Operation[];
  try {
    const done = transact(() => runAll(makePlace(), operations));
    const charge = done.reduce((sum, one) => sum + one.charge, 0);
    return { status: 200, charge, results: done.map((one) => resultOf(one, minimal)) };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const results = operations.map((_, at) => ({
      statusCode: at === error.at ? error.refusal.status : 424,
      requestCharge: at === error.at ? 1 : 0,
    }));
    return { status: 207, charge: 1 * operations.length, results };
  }
}
