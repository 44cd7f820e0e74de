/** Journal entries as records, and the signed head that an entry proves. */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../core/errors.ts';
import { blake3Digest } from '../core/hash/blake3.ts';
import type { Digest, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { decodeMsgpack } from '../core/msgpack.ts';
import type { SignedHead } from '../core/wire/commit.ts';
import {
  type JournalEntry,
  type TreeEdit,
  headSignedBytes,
  journalEntry,
  nextChain,
  treeEdits,
} from '../core/wire/journal-entry.ts';
import type { Head, JournalRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';

/** What a commit knows of its entry before it is chained and signed. */
export type UnsignedEntry = Omit<JournalEntry, 'seq' | 'previousRoot' | 'chain' | 'keyId' | 'signature'>;

/** The entry that follows a head: numbered, chained and signed. */
export async function signEntry(
  deps: Needs<'signer'>,
  workspaceId: WorkspaceId,
  head: Head,
  unsigned: UnsignedEntry,
): Promise<JournalEntry> {
  const fields = { seq: head.seq + 1, previousRoot: head.root, ...unsigned };
  const chain = nextChain(head.chain, fields);
  const { seq, previousRoot, root, timeMs } = fields;
  const { keyId, signature } = await deps.signer.sign(
    headSignedBytes(workspaceId, { seq, previousRoot, root, timeMs, chain }),
  );
  return { ...fields, chain, keyId, signature };
}

export function entryToSignedHead(entry: JournalEntry): SignedHead {
  const { seq, previousRoot, root, timeMs, chain, keyId, signature } = entry;
  return { seq, previousRoot, root, timeMs, chain, keyId, signature };
}

function editsBlobName(workspaceId: WorkspaceId, hash: Digest): string {
  return `${workspaceId}/edits/${hash}`;
}

/** The entry as a row of metadata. Edits too large for one are stored as a blob first, named by their hash. */
export async function entryToRecord(
  deps: Needs<'blobs'>,
  workspaceId: WorkspaceId,
  entry: JournalEntry,
): Promise<JournalRecord> {
  const { seq } = entry;
  const edits = encode(treeEdits.toWire(entry.edits)).slice();
  if (edits.length <= limits.journalEditsInlineBytes) {
    return { seq, entry: encode(journalEntry.toWire(entry)).slice(), editsHash: null };
  }
  const editsHash = blake3Digest(edits);
  await deps.blobs.put('manifests', editsBlobName(workspaceId, editsHash), edits);
  return { seq, entry: encode(journalEntry.toWire({ ...entry, edits: [] })).slice(), editsHash };
}

/** Values in an entry: two for each edit, and the entry's own. */
const entryCaps = { what: 'a journal entry', depthMax: 4, valuesMax: 8 * limits.commitOperationsMax };

/** The whole entry of a record, with edits from their blob. Throws `internal` when the journal is not what was written. */
export async function recordToEntry(
  deps: Needs<'blobs'>,
  workspaceId: WorkspaceId,
  record: JournalRecord,
): Promise<JournalEntry> {
  try {
    const entry = journalEntry.fromWire(decodeMsgpack(record.entry, entryCaps), '');
    return record.editsHash === null
      ? entry
      : { ...entry, edits: await readEdits(deps, workspaceId, record.editsHash) };
  } catch (cause) {
    if (cause instanceof TidemarkError && cause.retryable) throw cause;
    throw new TidemarkError('internal', 'a journal entry cannot be read', { data: { seq: record.seq }, cause });
  }
}

async function readEdits(deps: Needs<'blobs'>, workspaceId: WorkspaceId, hash: Digest): Promise<readonly TreeEdit[]> {
  const bytes = await deps.blobs.get('manifests', editsBlobName(workspaceId, hash));
  if (bytes === undefined || blake3Digest(bytes) !== hash) {
    throw new TidemarkError('corrupt', 'the edits of a journal entry are missing or not those that were written');
  }
  return treeEdits.fromWire(decodeMsgpack(bytes, entryCaps), 'edits');
}

/** The head that a workspace is at, with its signature; null before the first commit. */
export async function readSignedHead(
  deps: Needs<'metadata' | 'blobs'>,
  workspaceId: WorkspaceId,
  head: Head,
): Promise<SignedHead | null> {
  if (head.seq === 0) return null;
  const [record] = await deps.metadata.journal.list(workspaceId, head.seq - 1, 1, limits.changesPageBytes);
  if (record?.seq !== head.seq) {
    throw new TidemarkError('internal', 'the journal has no entry for the head', { data: { seq: head.seq } });
  }
  return entryToSignedHead(await recordToEntry(deps, workspaceId, { ...record, editsHash: null }));
}
