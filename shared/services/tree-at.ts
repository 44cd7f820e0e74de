/** Points of a workspace's history: a commit by its number, or the last one that is not later than a time. */
import { TidemarkError } from '../core/errors.ts';
import type { Digest, WorkspaceId } from '../core/ids.ts';
import { emptyMapRoot } from '../core/merkle/map-node.ts';
import type { JournalEntry } from '../core/wire/journal-entry.ts';
import type { Head } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { recordToEntry } from './signed-heads.ts';

/** When: exactly one of the two. */
export type HistoryPoint = { readonly seq: number } | { readonly timeMs: number };

export interface TreeAt {
  /** 0 before the first commit. */
  readonly seq: number;
  readonly root: Digest;
}

/**
 * The tree after a commit, or at a time. Times before the first commit have the empty tree, later ones than the head the head's.
 * One read of the journal for a seq, and as many as the head's seq has bits for a time.
 * @throws TidemarkError `not-found` for a seq above the head's.
 */
export async function findTreeAt(
  deps: Needs<'metadata' | 'blobs'>,
  workspaceId: WorkspaceId,
  head: Head,
  point: HistoryPoint,
): Promise<TreeAt> {
  const seq = 'seq' in point ? point.seq : await seqAtTime(deps, workspaceId, head, point.timeMs);
  if (seq > head.seq) {
    throw new TidemarkError('not-found', 'the workspace has no such commit yet', { data: { seq, headSeq: head.seq } });
  }
  if (seq === 0) return { seq, root: emptyMapRoot };
  if (seq === head.seq) return { seq, root: head.root };
  return { seq, root: (await mustReadEntry(deps, workspaceId, seq)).root };
}

/** The greatest seq whose time is not after this one: entry times never go back within a journal. */
async function seqAtTime(
  deps: Needs<'metadata' | 'blobs'>,
  workspaceId: WorkspaceId,
  head: Head,
  timeMs: number,
): Promise<number> {
  if (timeMs >= head.timeMs) return head.seq;
  /** Entries up to `low` are not after the time, those from `high` on are. */
  let [low, high] = [0, head.seq];
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if ((await mustReadEntry(deps, workspaceId, middle)).timeMs <= timeMs) low = middle;
    else high = middle;
  }
  return low;
}

/** An entry without its edits, where these are kept elsewhere. */
async function mustReadEntry(
  deps: Needs<'metadata' | 'blobs'>,
  workspaceId: WorkspaceId,
  seq: number,
): Promise<JournalEntry> {
  const [record] = await deps.metadata.journal.list(workspaceId, seq - 1, 1, 1);
  if (record?.seq !== seq) throw new TidemarkError('internal', 'the journal has a gap', { data: { seq } });
  return recordToEntry(deps, workspaceId, { ...record, editsHash: null });
}

/** RFC 3339, whole or fractional seconds, `Z` or an offset; or a seq in digits. Throws `malformed` on anything else. */
export function parseHistoryPoint(text: string): HistoryPoint {
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text) };
  const timeMs = timeForm.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    throw new TidemarkError('malformed', 'a point of history is a seq, or a time such as 2026-11-22T10:00:00Z', {
      data: { field: 'at' },
    });
  }
  return { timeMs };
}

const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;
