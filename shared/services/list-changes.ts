import { encode } from '@msgpack/msgpack';
import type { WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { ChangesResponse } from '../core/wire/changes.ts';
import { type JournalEntry, treeEdits } from '../core/wire/journal-entry.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { mustGetHead } from './must-get-head.ts';
import { recordToEntry } from './signed-heads.ts';

/**
 * One page of the journal after a seq, ascending and gap-free: at most `changesPageEntriesMax` entries, and about
 * `changesPageBytes`, but one at least if there is one. Empty at the head and past it.
 */
export async function listChanges(
  deps: Needs<'metadata' | 'blobs'>,
  input: { readonly caller: Caller; readonly workspaceId: WorkspaceId; readonly after: number },
): Promise<ChangesResponse> {
  const { workspaceId, after } = input;
  await authorise(deps, input.caller, workspaceId, 'read');
  const { journal } = deps.metadata;
  // The head first: a commit between the two reads then shows as an entry beyond the head, never as one that is kept back.
  const head = await mustGetHead(deps, workspaceId);
  const records = await journal.list(workspaceId, after, limits.changesPageEntriesMax, limits.changesPageBytes);
  const entries: JournalEntry[] = [];
  let bytes = 0;
  for (const record of records) {
    const entry = await recordToEntry(deps, workspaceId, record);
    bytes += record.editsHash === null ? record.entry.length : encode(treeEdits.toWire(entry.edits)).length;
    if (entries.length > 0 && bytes > limits.changesPageBytes) break;
    entries.push(entry);
  }
  const lastSeq = entries.at(-1)?.seq ?? 0;
  const headSeq = Math.max(head.seq, lastSeq);
  return { headSeq, entries, more: entries.length > 0 && lastSeq < headSeq };
}
