/** A linked folder: its marker, its journal, who has it, and what is not synced in it. */
import { existsSync } from 'node:fs';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { checkControlFolder } from '../../agent/folder/control-folder.ts';
import { lockFolder } from '../../agent/folder/folder-lock.ts';
import { createNodeFileSystem } from '../../agent/folder/node-file-system.ts';
import { Database, isDamage } from '../../agent/journal/database.ts';
import { Journal } from '../../agent/journal/journal.ts';
import { findJournalFaults } from '../../agent/verify/verify-journal.ts';
import type { FoundLink } from '../agent.ts';
import type { FolderStatus } from '../actions/status.ts';
import { journalFile } from '../begin-link.ts';
import { countToText } from '../context.ts';
import { nameToText } from '../context.ts';
import { holderToText, readHolder } from '../control/holder.ts';
import { type Finding, fail, ok, warn } from './check.ts';

/** Throws what is wrong with it. */
export function checkMarker({ folder, link }: FoundLink): Finding {
  checkControlFolder(createNodeFileSystem(), folder, link);
  return ok(`${folder}, device ${link.deviceId}`);
}

const journalAdvice =
  '`tide sync`: the journal is set aside, the folder goes on as a new device, and nothing is deleted';

/** What the journal tells to who only reads it; undefined when it cannot be read. */
export interface ReadJournal {
  readonly faults: readonly string[];
  /** Folders of the merge base. */
  readonly folders: number;
}

/** Takes no lock: the journal may be in use. */
export async function readJournal({ folder }: FoundLink): Promise<ReadJournal> {
  const file = journalFile(folder);
  if (!existsSync(file)) return { faults: ['it is not there'], folders: 0 };
  let db: Database | undefined;
  try {
    db = new Database(file, { readOnly: true });
    const faults = await findJournalFaults(new Journal(db, file));
    const folders = Number(db.get(`SELECT count(*) AS n FROM synced WHERE kind = 'folder'`)?.['n'] ?? 0);
    return { faults, folders };
  } catch (error) {
    if (!isDamage(error) && !isTidemarkError(error, 'corrupt')) throw error;
    return { faults: ['it is damaged'], folders: 0 };
  } finally {
    db?.close();
  }
}

export function judgeJournal({ faults, folders }: ReadJournal): Finding {
  if (faults.length === 0) return ok(`whole; ${countToText(folders, 'folder')}`);
  return fail(faults.join('; '), journalAdvice);
}

/** Who has the folder; nobody is right too. */
export function checkHolder({ folder }: FoundLink): Finding {
  try {
    lockFolder(folder).release();
  } catch (error) {
    if (!isTidemarkError(error, 'halted')) throw error;
    const holder = readHolder(folder);
    if (holder === undefined)
      return warn('another agent has the folder and does not tell who it is', 'end it, or wait');
    return ok(`held by ${holderToText(holder)}`);
  }
  return ok('no agent is running on it; `tide watch` syncs by itself');
}

export function judgeProblems({ problems }: Pick<FolderStatus, 'problems'>): Finding {
  const [first] = problems;
  if (first === undefined) return ok('every file can be synced');
  const detail = `${problems.length} files cannot be synced, such as ${nameToText(first.path || '.')}: ${first.detail}`;
  return warn(detail, '`tide status` lists them');
}

export function judgeConflicts({ conflicts }: Pick<FolderStatus, 'conflicts'>): Finding {
  if (conflicts.length === 0) return ok('no conflict copies');
  return warn(
    `${conflicts.length} conflict copies wait to be looked at`,
    'compare each with its original, and delete one',
  );
}

export function judgeSynced({
  online,
  upToDate,
  pending,
  excluded,
}: Pick<FolderStatus, 'online' | 'upToDate' | 'pending' | 'excluded'>): Finding {
  const without = excluded === 0 ? '' : `; ${excluded} files and folders of the workspace are excluded here`;
  if (upToDate) return ok(`up to date${without}`);
  const detail = `${pending.local} changes here, ${pending.remote} on the server${online ? '' : ' as last heard'}${without}`;
  return warn(detail, '`tide sync`, or `tide watch` for always');
}
