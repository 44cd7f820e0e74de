/** The file of rules of a folder on the disk. */
import type { FileSystem } from '../file-system.ts';
import { errorToProblem } from '../folder/file-problem.ts';
import { joinPath } from '../journal/paths.ts';
import { type ParsedRules, parseRules, ruleLimits, rulesName } from './rules.ts';

/** Undefined where no regular file has the name: as git, a link or folder of this name has no rules. Never throws for the disk. */
export function readRules(fs: FileSystem, root: string, folder: string): ParsedRules | undefined {
  const at = joinPath(root, joinPath(folder, rulesName));
  try {
    const stat = fs.lstat(at);
    if (stat?.kind !== 'file') return undefined;
    // One byte more than is taken, so that a larger file shows.
    const bytes = new Uint8Array(Math.min(stat.size, ruleLimits.fileBytesMax) + 1);
    const handle = fs.openRead(at);
    try {
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = fs.read(handle, bytes.subarray(length), length);
      }
      return parseRules(bytes.subarray(0, length));
    } finally {
      fs.close(handle);
    }
  } catch (error) {
    return { ok: false, fault: errorToProblem(folder, error).detail };
  }
}
