/** Queries, page by page. A page ends at x-ms-max-item-count documents (100 unless told) or at 4 MB. */
import { queryCharge } from './charges.ts';
import { type Query, project } from './query.ts';
import { Refusal, unknown } from './refusal.ts';
import type { Container, Position, Storage } from './storage.ts';

const pageBytesMax = 4 * 1024 * 1024;

interface Continuation extends Position {
  /** Documents that earlier pages gave, for TOP. */
  readonly given: number;
}

export interface Page {
  readonly documents: readonly unknown[];
  readonly continuation: string | undefined;
  readonly charge: number;
}

function parseContinuation(text: string | undefined): Continuation | undefined {
  if (text === undefined) return undefined;
  try {
    const { key, pk, id, given } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Continuation;
    const isKey = typeof key === 'string' || typeof key === 'number';
    if (isKey && typeof pk === 'string' && typeof id === 'string' && Number.isInteger(given))
      return { key, pk, id, given };
  } catch {
    // Refused below.
  }
  throw new Refusal(400, 'the continuation token is malformed');
}

function pageSizeOf(text: string | undefined): number {
  const size = Number(text ?? 100);
  if (size === -1) return 1000;
  if (!Number.isInteger(size) || size < 1) throw new Refusal(400, 'x-ms-max-item-count is -1 or at least 1');
  return size;
}

/** `pk` undefined: all partitions, for plain filters only. `lsn`: as of when. */
export function readPage(
  storage: Storage,
  container: Container,
  query: Query,
  options: {
    readonly pk: string | undefined;
    readonly lsn: number;
    readonly from: string | undefined;
    readonly size: string | undefined;
  },
): Page {
  if (options.pk === undefined && (query.order !== undefined || query.top !== undefined || query.value)) {
    throw unknown('a query over all partitions that is more than a filter');
  }
  const from = parseContinuation(options.from);
  let given = from?.given ?? 0;
  const left = Math.min(pageSizeOf(options.size), (query.top ?? Infinity) - given);
  const documents: unknown[] = [];
  let bytes = 0;
  let last: Position | undefined;
  let hasMore = false;
  for (const row of storage.select(container, options.pk, query, options.lsn, from)) {
    const length = Buffer.byteLength(row.body);
    if (documents.length >= left || (documents.length > 0 && bytes + length > pageBytesMax)) {
      hasMore = true;
      break;
    }
    documents.push(project(query, JSON.parse(row.body) as Record<string, unknown>));
    bytes += length;
    last = { key: row.key, pk: row.pk, id: row.id };
  }
  given += documents.length;
  const goesOn = hasMore && last !== undefined && given < (query.top ?? Infinity);
  const sought = query.conditions.reduce(
    (sum, { operator, values }) => sum + (operator === 'IN' ? values.length : 0),
    0,
  );
  return {
    documents,
    continuation: goesOn ? Buffer.from(JSON.stringify({ ...last, given })).toString('base64url') : undefined,
    charge: queryCharge(sought, documents.length, bytes),
  };
}
