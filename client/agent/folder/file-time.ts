/** The clock of a file system, read off a file. */
import { utf8 } from '../../../shared/core/bytes.ts';
import type { FileSystem } from '../file-system.ts';
import { tempPath } from './control-folder.ts';
import { errorToProblem } from './file-problem.ts';

/**
 * Time of this file system, as it stamps files now: of its two stamps the coarser one. Zero when that cannot be had, as on a full
 * disk: then everything counts as touched this very moment.
 */
export function fileTime(fs: FileSystem, root: string): number {
  const path = `${root}/${tempPath('probe')}`;
  try {
    const handle = fs.openNew(path, 0);
    try {
      fs.write(handle, utf8('now'), 0);
      const { ctimeMs, mtimeMs } = fs.stat(handle);
      return Math.min(ctimeMs, mtimeMs);
    } finally {
      fs.close(handle);
      fs.removeFile(path);
    }
  } catch (error) {
    errorToProblem(path, error);
    return 0;
  }
}
