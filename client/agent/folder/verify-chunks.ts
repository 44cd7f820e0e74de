/**
 * Task: reads runs of chunks of files and holds each against its hash. Nothing is believed of a file's stat: this finds what changed
 * without leaving a trace there, such as a bit that the disk turned over.
 */
import { equalBytes } from '../../../shared/core/bytes.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { digestBytes } from '../../../shared/core/ids.ts';
import type { FileHandle } from '../file-system.ts';
import type { StatMark } from '../model.ts';
import type { Problem } from '../ports.ts';
import type { Tools } from '../workers/tasks.ts';
import { errorToProblem } from './file-problem.ts';
import { SafeFolders } from './safe-folders.ts';
import { sameMark, toStatMark } from './stat-mark.ts';

export interface VerifyPart {
  /** Relative to the root. */
  readonly path: string;
  /** As lstat showed the file when its content was known last. */
  readonly stat: StatMark;
  /** Of the first chunk in the file, in bytes. */
  readonly offset: number;
  readonly lengths: Uint32Array;
  /** 32 bytes each. */
  readonly hashes: Uint8Array;
}

export interface VerifyChunksInput {
  readonly root: string;
  readonly parts: readonly VerifyPart[];
}

/**
 * `same`: the chunks are there; `damaged`: they are not, and the stat says that nobody wrote to the file; `changed`: they are not, and the
 * file was written to, which the next scan finds by itself.
 */
export type VerifiedPart = { readonly state: 'same' | 'changed' | 'damaged' } | { readonly problem: Problem };

export interface VerifyChunksOutput {
  /** By place in the input. */
  readonly parts: readonly VerifiedPart[];
}

/** Whether the file has these chunks, each read whole. */
function hasChunks({ fs, scratch }: Tools, handle: FileHandle, { offset, lengths, hashes }: VerifyPart): boolean {
  let at = offset;
  for (const [i, length] of lengths.entries()) {
    const chunk = scratch.subarray(0, length);
    for (let got = 0; got < length;) {
      const read = fs.read(handle, chunk.subarray(got), at + got);
      if (read === 0) return false;
      got += read;
    }
    if (!equalBytes(blake3(chunk), hashes.subarray(i * digestBytes, (i + 1) * digestBytes))) return false;
    at += length;
  }
  return true;
}

/** Whether nobody wrote to a file since. A mark that no stat equals tells nothing of the ctime: the scan that made it was not sure. */
export function isUntouched(known: StatMark, found: StatMark): boolean {
  return sameMark(known.ctimeMs === 0 ? { ...known, ctimeMs: found.ctimeMs } : known, found);
}

function verifyPart(tools: Tools, folders: SafeFolders, part: VerifyPart): VerifiedPart {
  const { fs } = tools;
  const handle = fs.openRead(folders.atForReading(part.path));
  try {
    const before = fs.stat(handle);
    if (before.kind !== 'file') return { state: 'changed' };
    if (before.size === part.stat.size && hasChunks(tools, handle, part)) return { state: 'same' };
    const isQuiet = sameMark(toStatMark(before), toStatMark(fs.stat(handle)));
    return { state: isQuiet && isUntouched(part.stat, toStatMark(before)) ? 'damaged' : 'changed' };
  } finally {
    fs.close(handle);
  }
}

/** Never throws for a file: what is wrong with one is its problem. */
export function verifyChunks(tools: Tools, { root, parts }: VerifyChunksInput): VerifyChunksOutput {
  const folders = new SafeFolders(tools.fs, root);
  try {
    return {
      parts: parts.map((part) => {
        try {
          return verifyPart(tools, folders, part);
        } catch (error) {
          return { problem: errorToProblem(part.path, error) };
        }
      }),
    };
  } finally {
    folders.close();
  }
}
