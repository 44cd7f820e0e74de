/** GET /workspaces/{ws}/changes?after=seq: journal entries after `after`, ascending, one page; empty at the head. */
import { limits } from '../limits.ts';
import { type ValueOf, flag, integer, list, message } from './schema.ts';
import { journalEntry } from './journal-entry.ts';

export const changesResponse = message('ChangesResponse', {
  headSeq: integer(),
  entries: list(journalEntry, limits.changesPageEntriesMax),
  more: flag,
});
export type ChangesResponse = ValueOf<typeof changesResponse>;
