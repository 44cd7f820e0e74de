/** Writes a content to a file of this disk: whole or not at all, and over nothing that is there unless that is said. */
import { constants, copyFileSync, existsSync, linkSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseName } from '../../shared/core/paths/name.ts';
import type { FileEntry } from '../../shared/core/tree/entry.ts';

export interface DiskWrite {
  /** A file, or a folder that is there: then `name` in it. */
  readonly to: string;
  readonly name: string;
  readonly file: FileEntry;
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly force: boolean;
}

function placeOf({ to, name }: DiskWrite): string {
  const path = resolve(to);
  return existsSync(path) && statSync(path).isDirectory() ? join(path, parseName(name)) : path;
}

function taken(path: string): TidemarkError {
  return new TidemarkError('conflict', `${path} is there already; name another place, or add --force`);
}

/** Puts the finished file in its place. Never over another one, whatever came there meanwhile. */
function putNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(path);
    // A file system without hard links.
    try {
      copyFileSync(temporary, path, constants.COPYFILE_EXCL);
    } catch (second) {
      throw (second as NodeJS.ErrnoException).code === 'EEXIST' ? taken(path) : second;
    }
  }
  rmSync(temporary, { force: true });
}

/** Resolves with the path that was written. Throws `conflict` when something is there; the content's errors and the disk's as they are. */
export async function writeToDisk(write: DiskWrite): Promise<string> {
  const path = placeOf(write);
  const { file, force, pieces } = write;
  if (!force && existsSync(path)) throw taken(path);
  const temporary = join(dirname(path), `.${basename(path)}.tide-${process.pid}`);
  try {
    const handle = await open(temporary, 'wx', 0o666 | file.mode);
    try {
      for await (const piece of pieces) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    utimesSync(temporary, new Date(), new Date(file.mtimeMs));
    if (force) renameSync(temporary, path);
    else putNew(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return path;
}
