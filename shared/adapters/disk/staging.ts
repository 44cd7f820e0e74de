/**
 * Blobs in the making. A blob is written under a private name in `.staging`, flushed, and only then linked to its own name:
 * `link` fails when the name is taken, so creation is atomic and never replaces anything, and a crash at any point leaves
 * either no blob or a whole one, plus a private file that the next start sweeps.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isFileError } from './file-errors.ts';

/** Longer than any upload lives (its URL lasts ten minutes): an older private file belongs to nobody. */
const abandonedMs = 3_600_000;

/** One private file being written. End it with `discard`, whatever happened to it. */
export class StagedFile {
  readonly path: string;
  readonly handle: FileHandle;

  constructor(filePath: string, handle: FileHandle) {
    this.path = filePath;
    this.handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += (await this.handle.write(bytes, at, bytes.length - at)).bytesWritten;
    }
  }

  /** Closes the file and removes its private name, if it still has it. A blob that it was linked to stays. */
  async discard(): Promise<void> {
    await this.handle.close();
    await unlink(this.path).catch((error: unknown) => {
      if (!isFileError(error, 'ENOENT')) throw error;
    });
  }
}

/** Opens a private file, read-only to everybody once written. Its name tells its process, for the sweep. */
export async function stageFile(stagingFolder: string): Promise<StagedFile> {
  const filePath = path.join(stagingFolder, `${process.pid}-${randomBytes(12).toString('hex')}`);
  return new StagedFile(filePath, await open(filePath, 'wx', 0o444));
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isFileError(error, 'ESRCH');
  }
}

/**
 * Removes what dead processes, and live ones an hour ago, left unfinished. Processes that share a folder must see each
 * other's process ids: else an upload in progress may be swept, which then fails and can be repeated. @returns how many files.
 */
export async function sweepStaging(stagingFolder: string, nowMs: number): Promise<number> {
  let swept = 0;
  for (const name of await readdir(stagingFolder)) {
    const filePath = path.join(stagingFolder, name);
    const pid = Number(name.split('-', 1)[0]);
    try {
      const abandoned = !Number.isSafeInteger(pid) || pid <= 0 || !isProcessAlive(pid);
      if (!abandoned && (await stat(filePath)).ctimeMs > nowMs - abandonedMs) continue;
      await unlink(filePath);
      swept += 1;
    } catch (error) {
      if (!isFileError(error, 'ENOENT')) throw error;
    }
  }
  return swept;
}
