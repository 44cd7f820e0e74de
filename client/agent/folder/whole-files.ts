/** Whole files in memory: for what is merged or compared, which is small. Anything else goes chunk by chunk. */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { FileSystem } from '../file-system.ts';
import type { StatMark } from '../model.ts';
import { type ContentSetting, type ContentToRead, readContent } from '../transfer/content-reader.ts';
import type { DownloadJob } from '../transfer/download.ts';
import { errorToProblem } from './file-problem.ts';
import { SafeFolders } from './safe-folders.ts';
import { readWhole } from './source-files.ts';
import { sameMark, toStatMark } from './stat-mark.ts';

/** The bytes of a file that is as it was when `expected` was taken, before and after reading; else null. */
export function readFileWhole(fs: FileSystem, root: string, path: string, expected: StatMark): Uint8Array | null {
  const folders = new SafeFolders(fs, root);
  try {
    const handle = fs.openRead(folders.atForReading(path));
    try {
      if (!sameMark(toStatMark(fs.stat(handle)), expected)) return null;
      const bytes = new Uint8Array(expected.size);
      const isWhole = readWhole(fs, handle, bytes, 0);
      return isWhole && sameMark(toStatMark(fs.stat(handle)), expected) ? bytes : null;
    } finally {
      fs.close(handle);
    }
  } catch (error) {
    errorToProblem(path, error);
    return null;
  } finally {
    folders.close();
  }
}

/** A content from the server, verified; null when the server has it no more. Throws what server and network throw otherwise. */
export async function fetchWhole(
  setting: ContentSetting,
  wanted: ContentToRead,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(wanted.size);
  let at = 0;
  try {
    for await (const piece of readContent(setting, wanted, { offset: 0, length: wanted.size }, signal)) {
      bytes.set(piece, at);
      at += piece.length;
    }
  } catch (error) {
    if (isTidemarkError(error, 'missing-chunks') || isTidemarkError(error, 'corrupt')) return null;
    throw error;
  }
  return at === bytes.length ? bytes : null;
}

/** Writes bytes that are at hand under a temporary name, as a download would; not flushed. */
export function writeTempWhole(fs: FileSystem, root: string, job: DownloadJob, bytes: Uint8Array): void {
  const folders = new SafeFolders(fs, root);
  try {
    const handle = fs.openNew(folders.at(job.temp), job.mode);
    try {
      fs.write(handle, bytes, 0);
      fs.setTimes(handle, job.mtimeMs);
    } finally {
      fs.close(handle);
    }
  } finally {
    folders.close();
  }
}
