/**
 * Which folders of this device are linked, for `tide status --all`: one small file for each in `folders` of the state folder, so that two
 * commands never write the same one. It is a convenience: the marker in the folder itself is what counts, and a note of a folder that was
 * moved, unlinked or is not mounted does no harm.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LinkedFolderNote {
  /** Absolute. */
  readonly folder: string;
  readonly workspaceId: string;
}

const notesFolder = (stateFolder: string): string => join(stateFolder, 'folders');

function noteFile(stateFolder: string, folder: string): string {
  return join(notesFolder(stateFolder), `${createHash('sha256').update(folder).digest('hex').slice(0, 32)}.json`);
}

function readNote(file: string): LinkedFolderNote | undefined {
  try {
    const { folder, workspaceId } = Object(JSON.parse(readFileSync(file, 'utf8'))) as Readonly<Record<string, unknown>>;
    return typeof folder === 'string' && typeof workspaceId === 'string' ? { folder, workspaceId } : undefined;
  } catch {
    return undefined;
  }
}

/** Never fails a command: without the note, `--all` does not show the folder. */
export function noteLinkedFolder(stateFolder: string, note: LinkedFolderNote): void {
  const file = noteFile(stateFolder, note.folder);
  if (readNote(file)?.workspaceId === note.workspaceId) return;
  try {
    mkdirSync(notesFolder(stateFolder), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, `${JSON.stringify(note)}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // A state folder that cannot be written is no reason not to sync.
  }
}

export function forgetLinkedFolder(stateFolder: string, folder: string): void {
  rmSync(noteFile(stateFolder, folder), { force: true });
}

/** By folder. Some may be linked no more. */
export function listLinkedFolders(stateFolder: string): LinkedFolderNote[] {
  let names: string[];
  try {
    names = readdirSync(notesFolder(stateFolder));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readNote(join(notesFolder(stateFolder), name)) ?? [])
    .sort((a, b) => (a.folder < b.folder ? -1 : 1));
}
