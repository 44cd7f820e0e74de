/**
 * The conflict copies of a folder, as the journal knows the disk. A copy is known by its name, whichever device made it; one that this
 * device made also by its node, so that it is found under another name too.
 *
 *     open        the copy has its conflict name. Its original is the node that it was made of, or else what has the original's name
 *                 beside it; null when neither is there any more
 *     renamed     somebody gave the copy another name: it is a file of its own, and no conflict any more
 *     deleted     the copy is gone
 */
import { type ConflictName, parseConflictName } from '../../../shared/core/paths/conflict-name.ts';
import type { ConflictRecord } from '../journal/conflicts-table.ts';
import type { Journal } from '../journal/journal.ts';
import type { LocalNode } from '../model.ts';

export interface OpenConflict {
  readonly state: 'open';
  readonly copy: LocalNode;
  readonly copyPath: string;
  readonly name: ConflictName;
  readonly original: LocalNode | null;
  readonly originalPath: string | null;
  /** When this device noticed it; null for one that another device made. */
  readonly notedMs: number | null;
}

export interface SettledConflict {
  readonly state: 'renamed' | 'deleted';
  /** The name that the copy was given when it was made. */
  readonly copyName: string;
  /** Where it is now; null when it is gone. */
  readonly copyPath: string | null;
  readonly notedMs: number;
}

const namePart = ' (conflicted copy of ';

/** In the order of their paths. All there are, however many. */
export function listOpenConflicts(journal: Journal): readonly OpenConflict[] {
  const found: OpenConflict[] = [];
  for (const copy of journal.listings.localNamed(namePart)) {
    const name = parseConflictName(copy.name);
    const copyPath = journal.localPath(copy);
    if (name === undefined || copyPath === undefined) continue;
    const record = journal.conflicts.get(copy.nodeId);
    const original = findOriginal(journal, copy, name, record);
    const originalPath = original === undefined ? undefined : journal.localPath(original);
    found.push({
      state: 'open',
      copy,
      copyPath,
      name,
      original: original ?? null,
      originalPath: originalPath ?? null,
      notedMs: record?.clockMs ?? null,
    });
  }
  return found.sort((a, b) => (a.copyPath < b.copyPath ? -1 : 1));
}

function findOriginal(
  { trees, listings }: Journal,
  copy: LocalNode,
  { original }: ConflictName,
  record: ConflictRecord | undefined,
): LocalNode | undefined {
  const of = record === undefined || record.of === copy.nodeId ? undefined : trees.getLocal(record.of);
  const found = of ?? listings.localAt({ parentId: copy.parentId, name: original });
  return found?.nodeId === copy.nodeId ? undefined : found;
}

/** Conflicts of this device's that are none any more, oldest first. */
export function listSettledConflicts(journal: Journal): readonly SettledConflict[] {
  return journal.conflicts.listAll().flatMap(({ nodeId, name, clockMs }): SettledConflict[] => {
    const copy = journal.trees.getLocal(nodeId);
    const copyPath = copy === undefined ? null : (journal.localPath(copy) ?? null);
    if (copy !== undefined && parseConflictName(copy.name) !== undefined) return [];
    return [{ state: copy === undefined ? 'deleted' : 'renamed', copyName: name, copyPath, notedMs: clockMs }];
  });
}
