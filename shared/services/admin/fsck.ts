/**
 * Checks that everything a workspace has acknowledged can be rebuilt from storage, in bounded steps, and changes nothing:
 *
 *   journal   every entry: chain, signature, and its edits applied anew (fsck/check-journal.ts)
 *   tree      the head's tree: every node, every file's manifest and chunks, the tally (fsck/check-tree.ts)
 *   packs     every recorded pack and every blob: ETag, length, footer, places, and with `deep` every byte (fsck/check-packs.ts)
 *
 * With `history`, the files of every older root are checked too, from the difference of each root to the one before.
 *
 * It may run while people work. What is committed behind it is left out; a blob that is uploaded or verified meanwhile may show
 * as an orphan. A finding of damage should be looked at again by a second run before anybody acts on it.
 */
import type { WorkspaceId } from '../../core/ids.ts';
import { checkJournal } from './fsck/check-journal.ts';
import { checkPacks } from './fsck/check-packs.ts';
import { checkTree } from './fsck/check-tree.ts';
import type { Check, Finding, FsckNeeds } from './fsck/finding.ts';
import { type FsckPosition, decodePosition, encodePosition } from './fsck/fsck-cursor.ts';

export interface FsckInput {
  readonly workspaceId: WorkspaceId;
  /** Where the last step came to; null: from the start. */
  readonly cursor: string | null;
  readonly deep: boolean;
  readonly history: boolean;
}

export interface FsckStep {
  readonly findings: readonly Finding[];
  /** Where to go on; null when everything was checked. */
  readonly cursor: string | null;
  /** Entries of the journal, files and packs that this step checked. */
  readonly entries: number;
  readonly files: number;
  readonly packs: number;
}

/** One step. Throws `malformed` on a cursor that is none, and what the stores throw: nothing is known of this step then. */
export async function fsckStep(deps: FsckNeeds, input: FsckInput): Promise<FsckStep> {
  const { workspaceId, deep, history } = input;
  const findings = new Map<string, Finding>();
  const check: Check = {
    deps,
    workspaceId,
    deep,
    history,
    find: (kind, subject, detail) => {
      const key = `${kind} ${subject}`;
      if (!findings.has(key)) findings.set(key, { kind, subject, detail });
    },
  };
  const position: FsckPosition = input.cursor === null ? { phase: 'journal', seq: 0 } : decodePosition(input.cursor);
  const { next, ...counts } = await runPhase(check, position);
  const cursor = next === undefined ? null : encodePosition(next);
  return { findings: [...findings.values()], cursor, entries: 0, files: 0, packs: 0, ...counts };
}

type PhaseResult = Partial<Pick<FsckStep, 'entries' | 'files' | 'packs'>> & { readonly next: FsckPosition | undefined };

async function runPhase(check: Check, position: FsckPosition): Promise<PhaseResult> {
  switch (position.phase) {
    case 'journal': {
      const { seq, isEnd, entries } = await checkJournal(check, position.seq);
      return { next: isEnd ? await firstOfTree(check) : { phase: 'journal', seq }, entries };
    }
    case 'tree': {
      const { progress, isEnd, files } = await checkTree(check, position.progress);
      return { next: isEnd ? { phase: 'packs', after: null } : { phase: 'tree', progress }, files };
    }
    case 'packs': {
      const { last, packs } = await checkPacks(check, position.after);
      return { next: last === null ? undefined : { phase: 'packs', after: last }, packs };
    }
  }
}

async function firstOfTree({ deps, workspaceId }: Check): Promise<FsckPosition> {
  const head = await deps.metadata.journal.getHead(workspaceId);
  if (head === undefined) return { phase: 'packs', after: null };
  return { phase: 'tree', progress: { root: head.root, after: null, files: 0, bytes: 0, isWhole: true } };
}
