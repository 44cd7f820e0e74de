/** A page of the journal in parts, so that what is worked in at once is bounded by the device, whatever the server puts in a page. */
import type { JournalEntry } from '../../../shared/core/wire/journal-entry.ts';

/** The entries in their order, in parts of at most so many edits. An entry with more of them is a part by itself. No entries, no parts. */
export function* partsOfPage<E extends Pick<JournalEntry, 'edits'>>(
  entries: readonly E[],
  editsMax: number,
): Generator<readonly E[], void> {
  let part: E[] = [];
  let edits = 0;
  for (const entry of entries) {
    if (part.length > 0 && edits + entry.edits.length > editsMax) {
      yield part;
      part = [];
      edits = 0;
    }
    part.push(entry);
    edits += entry.edits.length;
  }
  if (part.length > 0) yield part;
}
