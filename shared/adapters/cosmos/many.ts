/** Many documents at once: ids in queries, operations in batches, no more requests at a time than a connection pool likes. */
import { TidemarkError } from '../../core/errors.ts';
import { fieldsOf, textOf } from './document.ts';
import { type Document, type Fields, type Operation, type Table, batchBytesMax, batchOperationsMax } from './table.ts';

/** Requests of one call that are under way at once. */
const width = 16;

/** Ids that one query asks for: its text stays well under the service's bound. */
const idsMax = 200;

/** Runs a task for each item, some at a time, and gives the results in order. The first failure is thrown after the others ended. */
export async function forEach<Item, Result>(
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const at = next++;
      try {
        results[at] = await task(items[at]!);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Items by a key of each, in the order in which the keys come. */
export function groupBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * Documents of one partition by id; those that are missing are not in the map. One id is a point read. `fields`: what to give
 * of each document besides its id; all of it unless told.
 */
export async function readMany(
  table: Table,
  pk: string,
  ids: readonly string[],
  fields: readonly string[] | null = null,
): Promise<Map<string, Fields>> {
  const found = new Map<string, Fields>();
  if (ids.length === 1) {
    const one = await table.read(pk, ids[0]!);
    if (one !== undefined) found.set(ids[0]!, { ...one.fields, _etag: one.etag });
    return found;
  }
  const parts = Array.from({ length: Math.ceil(ids.length / idsMax) }, (_, i) =>
    ids.slice(i * idsMax, (i + 1) * idsMax),
  );
  const what = fields === null ? '*' : ['id', ...fields].map((field) => `c.${field}`).join(', ');
  await forEach(parts, async (part) => {
    const names = part.map((_, i) => `@p${i}`);
    const text = `SELECT ${what} FROM c WHERE c.id IN (${names.join(', ')})`;
    const parameters = Object.fromEntries(part.map((id, i) => [`@p${i}`, id]));
    for (const one of await table.all(pk, { text, parameters, page: idsMax })) {
      const fields = fieldsOf(one);
      found.set(textOf(fields, 'id'), fields);
    }
  });
  return found;
}

/** About the bytes of a document as JSON: text of ours is ASCII nearly always. */
export function sizeOf(document: Document): number {
  return JSON.stringify(document).length;
}

/** Operations in as many batches as they need, in order. An operation that does not fit any batch has one of its own. */
export function toBatches(operations: readonly Operation[]): Operation[][] {
  const batches: Operation[][] = [];
  let bytes = 0;
  for (const operation of operations) {
    const size = 'document' in operation ? sizeOf(operation.document) : 0;
    const last = batches.at(-1);
    if (last === undefined || last.length === batchOperationsMax || bytes + size > batchBytesMax) {
      batches.push([operation]);
      bytes = size;
    } else {
      last.push(operation);
      bytes += size;
    }
  }
  return batches;
}

/** Stores documents, in any partitions, over whatever stood there. Not atomic as a whole. */
export async function upsertMany(table: Table, documents: Iterable<Document>): Promise<void> {
  const batches = [...groupBy(documents, ({ pk }) => pk).values()].flatMap((group) =>
    toBatches(group.map((document) => ({ kind: 'upsert', document }))),
  );
  await forEach(batches, async (batch) => {
    const [first] = batch;
    if (first === undefined || !('document' in first)) return;
    if (batch.length === 1) await table.upsert(first.document);
    else mustBeDone(await table.batch(first.document.pk, batch));
  });
}

/** An upsert that meets another writer of its document may be refused: then nothing of its batch was done. */
function mustBeDone(statuses: readonly number[]): void {
  if (statuses.every((status) => status < 300)) return;
  throw new TidemarkError('busy', 'a batch of documents was not stored; it can be stored again');
}

/** Deletes at most `limit` documents of a partition but those to keep; returns how many were there. */
export async function purgePartition(
  table: Table,
  pk: string,
  limit: number,
  keep: ReadonlySet<string> = new Set(),
): Promise<number> {
  const page = Math.max(1, Math.min(limit, batchOperationsMax)) + keep.size;
  let gone = 0;
  while (gone < limit) {
    const query = { text: `SELECT TOP ${page} VALUE c.id FROM c ORDER BY c.id`, parameters: {}, page };
    const ids = (await table.all(pk, query)).filter((id) => typeof id === 'string').filter((id) => !keep.has(id));
    const batch = ids.slice(0, Math.min(limit - gone, batchOperationsMax));
    if (batch.length === 0) break;
    const statuses = await table.batch(
      pk,
      batch.map((id) => ({ kind: 'delete', id })),
    );
    // Somebody else deletes here too: one at a time, then, whoever is first.
    if (statuses.some((status) => status >= 300)) await forEach(batch, (id) => table.remove(pk, id));
    gone += batch.length;
  }
  return gone;
}
