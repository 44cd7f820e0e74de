import { TidemarkError } from '../core/errors.ts';
import type { Head, JournalStore } from '../ports/metadata-store.ts';

type Commit = Parameters<JournalStore['append']>[1];

/** Whether two heads are one position of one journal; what is told of it besides follows from that. */
export function equalHeads(a: Head, b: Head): boolean {
  return a.seq === b.seq && a.root === b.root && a.chain === b.chain;
}

/** The next position is one after the expected one, and its entry says so too. Throws `internal`: anything else is a fault of the caller. */
export function checkNextSeq(commit: Commit): void {
  if (commit.next.seq !== commit.expected.seq + 1 || commit.record.seq !== commit.next.seq) {
    throw new TidemarkError('internal', 'a commit takes the journal position right after the head it expects');
  }
}

export function copyHead(head: Head): Head {
  return { ...head, tally: head.tally && { ...head.tally } };
}
