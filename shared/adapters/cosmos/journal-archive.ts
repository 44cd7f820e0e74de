/**
 * Journal entries: the newest are beside the head, since one batch adds both; older ones move to `journal`, 16,384 a partition,
 * so that no partition grows for ever. An entry is copied before it is deleted: it is never in neither place.
 */
import { TidemarkError } from '../../core/errors.ts';
import { type WorkspaceId, parseDigest } from '../../core/ids.ts';
import type { JournalRecord } from '../../ports/metadata-store.ts';
import { bytesOf, bytesToText, fieldsOf, integerOf, padded, textOf } from './document.ts';
import { toBatches, upsertMany } from './many.ts';
import type { Document, Fields, Table } from './table.ts';

/** When entries move, in commits. Smaller in tests, where journals are short. */
export interface ArchivePolicy {
  /** So many of the newest stay beside the head. */
  readonly keep: number;
  /** Every so many commits, the older ones move. */
  readonly every: number;
}

export const archivePolicy: ArchivePolicy = { keep: 128, every: 64 };

/** Never changed: it is part of where entries are. */
const bucketEntries = 16_384;
/** Pages of entries that one commit moves at most: twice of what comes between two moves. */
const pagesMovedMax = 4;
const pageEntries = 50;

export function entryId(seq: number): string {
  return `entry-${padded(seq)}`;
}

function bucketOf(seq: number): number {
  return Math.floor((seq - 1) / bucketEntries);
}

export function archivePk(workspaceId: WorkspaceId, bucket: number): string {
  return `${workspaceId}-${bucket}`;
}

/** Partitions of `journal` that a workspace with this head may have. */
export function archivePks(workspaceId: WorkspaceId, headSeq: number): string[] {
  return Array.from({ length: bucketOf(Math.max(1, headSeq)) + 1 }, (_, bucket) => archivePk(workspaceId, bucket));
}

export function recordToDocument(pk: string, { seq, entry, editsHash }: JournalRecord): Document {
  return { pk, id: entryId(seq), seq, editsHash, v: bytesToText(entry) };
}

function fieldsToRecord(fields: Fields): JournalRecord {
  const editsHash = fields['editsHash'] === null ? null : parseDigest(textOf(fields, 'editsHash'));
  return { seq: integerOf(fields, 'seq'), entry: bytesOf(fields, 'v'), editsHash };
}

/** What is left of a page of entries: how many, and how many bytes. */
class Room {
  readonly records: JournalRecord[] = [];
  readonly #limit: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(limit: number, bytesMax: number) {
    this.#limit = limit;
    this.#bytesMax = bytesMax;
  }

  /** False when it does not fit, and nothing more will. */
  add(record: JournalRecord): boolean {
    if (this.records.length >= this.#limit) return false;
    this.#bytes += record.entry.length;
    if (this.records.length > 0 && this.#bytes > this.#bytesMax) return false;
    this.records.push(record);
    return true;
  }

  get left(): number {
    return this.#limit - this.records.length;
  }
}

/** Entries of one partition with afterSeq < seq, ascending, read as far as the taker wants them. */
async function* entriesOf(table: Table, pk: string, afterSeq: number, page: number): AsyncGenerator<JournalRecord> {
  const pages = table.pages(pk, {
    text: 'SELECT c.seq, c.editsHash, c.v FROM c WHERE c.id > @after AND c.id < @end ORDER BY c.id',
    parameters: { '@after': entryId(afterSeq), '@end': 'entry-~' },
    page,
  });
  for await (const documents of pages) yield* documents.map(fieldsOf).map(fieldsToRecord);
}

interface Places {
  readonly workspaces: Table;
  readonly journal: Table;
}

/** The next entry in line, from the archive up to `endSeq` (not with it). False when the room is full. */
async function takeArchived({ journal }: Places, workspaceId: WorkspaceId, from: number, endSeq: number, room: Room) {
  let seq = from;
  while (seq < endSeq) {
    const bucket = bucketOf(seq);
    const page = Math.min(pageEntries, room.left + 1);
    for await (const record of entriesOf(journal, archivePk(workspaceId, bucket), seq - 1, page)) {
      if (record.seq >= endSeq) break;
      // What is missing here is not visible yet: whatever came after it would leave a gap.
      if (record.seq !== seq || !room.add(record)) return false;
      seq += 1;
    }
    if (seq < endSeq && bucketOf(seq) === bucket) return false;
  }
  return true;
}

/**
 * Entries after `afterSeq`, gap-free. Throws `busy` when the next one is neither here nor there: it has moved, and this session
 * does not see yet where to.
 */
export async function listEntries(
  places: Places,
  workspaceId: WorkspaceId,
  afterSeq: number,
  limit: number,
  bytesMax: number,
): Promise<readonly JournalRecord[]> {
  const room = new Room(limit, bytesMax);
  if (limit <= 0) return room.records;
  let next = afterSeq + 1;
  let isBehind = false;
  for await (const record of entriesOf(places.workspaces, workspaceId, afterSeq, Math.min(limit, pageEntries))) {
    if (record.seq !== next && next === afterSeq + 1) {
      const isWhole = await takeArchived(places, workspaceId, next, record.seq, room);
      isBehind = room.records.length === 0;
      if (!isWhole) break;
      next = record.seq;
    }
    if (record.seq !== next || !room.add(record)) break;
    next += 1;
  }
  if (isBehind) throw new TidemarkError('busy', 'the journal is being moved; it can be read again in a moment');
  return room.records;
}

/** Moves entries up to `lastSeq` out of the head's partition, some hundred at most. May be done by several at once. */
export async function archiveEntries(
  { workspaces, journal }: Places,
  workspaceId: WorkspaceId,
  lastSeq: number,
): Promise<void> {
  for (let pages = 0; pages < pagesMovedMax; pages++) {
    const moved: JournalRecord[] = [];
    for await (const record of entriesOf(workspaces, workspaceId, 0, pageEntries)) {
      if (record.seq > lastSeq || moved.length === pageEntries) break;
      moved.push(record);
    }
    if (moved.length === 0) return;
    await upsertMany(
      journal,
      moved.map((record) => recordToDocument(archivePk(workspaceId, bucketOf(record.seq)), record)),
    );
    for (const batch of toBatches(moved.map(({ seq }) => ({ kind: 'delete', id: entryId(seq) })))) {
      const statuses = await workspaces.batch(workspaceId, batch);
      // Another mover was here.
      if (statuses.some((status) => status >= 300)) return;
    }
  }
}
