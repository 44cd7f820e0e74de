/** The buckets of a workspace's chunks in their partitions: finding the one of a hash, and changing some under their ETags. */
import { TidemarkError } from '../../core/errors.ts';
import type { WorkspaceId } from '../../core/ids.ts';
import { type Places, decodePlaces, encodePlaces, rootDigits, splitPlaces } from './chunk-bucket.ts';
import { bytesOf, bytesToText, textOf } from './document.ts';
import { forEach, groupBy, readMany, sizeOf } from './many.ts';
import { type Operation, type Table, batchBytesMax, batchOperationsMax } from './table.ts';

interface Bucket {
  readonly prefix: string;
  readonly places: Places;
  /** Undefined: there is none yet. */
  readonly etag: string | undefined;
  /** Hashes, or the first digits of such, that belong here. */
  readonly keys: string[];
}

/** Writers that fill one workspace at once make one another try again; each time, one of them is done. */
const attemptsMax = 32;

export const chunkDigits: readonly string[] = Array.from({ length: 16 }, (_, i) => i.toString(16));

export function chunkPk(workspaceId: WorkspaceId, digit: string): string {
  return `${workspaceId}-${digit}`;
}

/** The bucket of each key, of one partition. Markers are followed, one digit a round. */
async function findBuckets(table: Table, pk: string, keys: readonly string[]): Promise<Bucket[]> {
  const buckets: Bucket[] = [];
  let wanted = groupBy(keys, (key) => key.slice(0, rootDigits));
  for (let digits = rootDigits + 1; wanted.size > 0; digits++) {
    const found = await readMany(table, pk, [...wanted.keys()]);
    const below: string[] = [];
    for (const [prefix, keysHere] of wanted) {
      const fields = found.get(prefix);
      if (fields !== undefined && fields['split'] === true) {
        // A key that is no longer than its bucket's prefix may be below any of the marker's buckets.
        below.push(
          ...keysHere.flatMap((key) => (key.length > prefix.length ? [key] : chunkDigits.map((x) => key + x))),
        );
        continue;
      }
      const places: Places = fields === undefined ? new Map() : decodePlaces(bytesOf(fields, 'v'));
      const etag = fields === undefined ? undefined : textOf(fields, '_etag');
      buckets.push({ prefix, places, etag, keys: keysHere });
    }
    wanted = groupBy(below, (key) => key.slice(0, digits));
  }
  return buckets;
}

/** The places of all buckets that the keys belong to, joined. */
export async function readPlaces(table: Table, workspaceId: WorkspaceId, keys: readonly string[]): Promise<Places> {
  const all: Places = new Map();
  const partitions = groupBy(keys, (key) => key[0]!);
  await forEach([...partitions], async ([digit, group]) => {
    for (const { places } of await findBuckets(table, chunkPk(workspaceId, digit), group)) {
      for (const [hash, place] of places) all.set(hash, place);
    }
  });
  return all;
}

/** The document of the prefix itself is written under its ETag; those below it cannot be anybody else's before that is done. */
function toOperations(pk: string, { prefix, places, etag }: Bucket): Operation[] {
  return splitPlaces(prefix, places, batchOperationsMax).map((part): Operation => {
    const content = part.places === 'split' ? { split: true } : { v: bytesToText(encodePlaces(part.places)) };
    const document = { pk, id: part.prefix, ...content };
    if (part.prefix !== prefix) return { kind: 'upsert', document };
    return etag === undefined ? { kind: 'create', document } : { kind: 'replace', document, etag };
  });
}

interface Change {
  readonly buckets: readonly Bucket[];
  readonly operations: readonly Operation[];
}

/** Changes in as few batches as they need; the operations of one bucket stay together. */
function groupChanges(pk: string, changed: readonly Bucket[]): Change[] {
  const groups: { buckets: Bucket[]; operations: Operation[] }[] = [];
  let bytes = 0;
  for (const bucket of changed) {
    const operations = toOperations(pk, bucket);
    const size = operations.reduce((sum, one) => sum + ('document' in one ? sizeOf(one.document) : 0), 0);
    const last = groups.at(-1);
    const fits = last !== undefined && last.operations.length + operations.length <= batchOperationsMax;
    if (last !== undefined && fits && bytes + size <= batchBytesMax) {
      last.buckets.push(bucket);
      last.operations.push(...operations);
      bytes += size;
    } else {
      groups.push({ buckets: [bucket], operations });
      bytes = size;
    }
  }
  return groups;
}

export interface Edit {
  /** Changes places of a bucket in place; false when there is nothing to change. May be asked again about the same keys. */
  readonly change: (places: Places, keys: readonly string[]) => boolean;
  /** Told of each bucket once, when it stands as it should. */
  readonly done: (places: Places) => void;
}

async function editPartition(table: Table, pk: string, keys: readonly string[], edit: Edit): Promise<void> {
  let pending = keys;
  for (let attempts = 0; attempts < attemptsMax; attempts++) {
    const changed: Bucket[] = [];
    for (const bucket of await findBuckets(table, pk, pending)) {
      if (edit.change(bucket.places, bucket.keys)) changed.push(bucket);
      else edit.done(bucket.places);
    }
    const again: string[] = [];
    await forEach(groupChanges(pk, changed), async ({ buckets, operations }) => {
      const statuses = await table.batch(pk, operations);
      // Another writer came first: the next round sees what it wrote.
      if (statuses.some((status) => status >= 300)) again.push(...buckets.flatMap((bucket) => bucket.keys));
      else for (const { places } of buckets) edit.done(places);
    });
    if (again.length === 0) return;
    pending = again;
  }
  throw new TidemarkError('busy', 'too many packs are being recorded in this workspace at once');
}

/** Edits the buckets of some keys. Each bucket changes whole or not at all; a failure may leave some of them changed. */
export async function editBuckets(
  table: Table,
  workspaceId: WorkspaceId,
  keys: readonly string[],
  edit: Edit,
): Promise<void> {
  const partitions = groupBy(keys, (key) => key[0]!);
  await forEach([...partitions], ([digit, group]) => editPartition(table, chunkPk(workspaceId, digit), group, edit));
}
