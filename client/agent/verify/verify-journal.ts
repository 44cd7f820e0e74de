/** The journal held against itself and against what the server signed. */
import type { Digest } from '../../../shared/core/ids.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { mapLevels } from '../../../shared/core/merkle/map-levels.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import type { Journal } from '../journal/journal.ts';
import { rebuildSyncedMark } from '../journal/marks.ts';
import { matchesChecksum } from '../journal/record-checksum.ts';
import { bytesOf, textOf } from '../journal/rows.ts';

/** Faults named one by one; more of them are the same story. */
const faultsMax = 10;

/** What is wrong with the file, its commits that wait and its nodes of the tree; empty when nothing is. */
export async function findJournalFaults({ database, mapNodes, meta }: Journal): Promise<string[]> {
  const faults = database
    .all(`PRAGMA integrity_check(${faultsMax})`)
    .map((row) => textOf(row, 'integrity_check'))
    .filter((text) => text !== 'ok');
  for (const row of database.all('SELECT request_id, body, checksum FROM outbox')) {
    if (matchesChecksum(bytesOf(row, 'body'), textOf(row, 'checksum'))) continue;
    faults.push(`the commit ${textOf(row, 'request_id')}, which waits to be sent, is not as it was written`);
  }
  try {
    // The empty tree is known without being kept.
    if (meta.head.root !== emptyMapRoot) await mapLevels(mapNodes, meta.head.root);
  } catch (error) {
    if (!isTidemarkError(error, 'corrupt')) throw error;
    faults.push(`the tree under the signed mark: ${error.message}`);
  }
  return faults.slice(0, faultsMax);
}

export interface VerifiedMark {
  /** `waiting`: something differs here or on the server, so there is no mark that could be compared. */
  readonly state: 'same' | 'differs' | 'waiting';
  /** From nothing but the rows of the merge base; null while something waits. */
  readonly computed: Digest | null;
  /** Of the newest head that was followed here, whose signature was checked then. */
  readonly signed: Digest;
}

/** The mark of what was last equal, computed anew, against the one that the server signed. */
export async function verifyMark(journal: Journal): Promise<VerifiedMark> {
  const { listings, meta } = journal;
  const signed = meta.head.root;
  if (listings.countLocalChanges() + listings.countRemoteChanges() > 0)
    return { state: 'waiting', computed: null, signed };
  const computed = await rebuildSyncedMark(journal);
  return { state: computed === signed ? 'same' : 'differs', computed, signed };
}
