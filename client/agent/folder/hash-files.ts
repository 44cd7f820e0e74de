/**
 * Task: reads files, cuts and hashes them. What is reported was really read: the file's stat was the same before and
 * after, and as many bytes came as it says; anything else is `busy` and tried again by the next scan (nextcloud/desktop#9271:
 * a file grew between scan and upload).
 */
import {
  type ChunkProfile,
  profileHeadBytes,
  mustGetProfile,
  selectProfile,
} from '../../../shared/core/chunk/profiles.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import type { Sha256 } from '../../../shared/core/hash/sha256.ts';
import { type Digest, digestBytes, parseDigestColumn } from '../../../shared/core/ids.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import type { FileHandle } from '../file-system.ts';
import type { StatMark } from '../model.ts';
import type { Problem } from '../ports.ts';
import type { Tools } from '../workers/tasks.ts';
import { errorToProblem } from './file-problem.ts';
import { SafeFolders } from './safe-folders.ts';
import { sameMark, toStatMark } from './stat-mark.ts';

export interface HashFilesInput {
  readonly root: string;
  readonly files: readonly {
    /** Relative to the root. */
    readonly path: string;
    /** The inode that was listed: another one there now is `busy`. */
    readonly ino: number;
    readonly dev: number;
    /** Of the version before, 0 for none. */
    readonly profileId: number;
  }[];
  /** The user prefers the least CPU time. */
  readonly preferFixed: boolean;
  /** Whether SHA-256 is computed too, of the same bytes as they pass. */
  readonly wantsSha256: boolean;
}

export type HashedFile =
  | {
      readonly stat: StatMark;
      readonly content: Digest;
      readonly profileId: number;
      /** How many chunks the file has; 0 for an empty one. */
      readonly chunks: number;
      /** Where its chunks begin in the columns, in chunks. Only files of more than one chunk are there. */
      readonly first: number;
      /** Null unless it was wanted. */
      readonly sha256: Digest | null;
    }
  | { readonly problem: Problem };

export interface HashFilesOutput {
  /** By place in the input. */
  readonly files: readonly HashedFile[];
  /** Columns over all files of more than one chunk. */
  readonly hashes: Uint8Array;
  readonly lengths: Uint32Array;
}

/** Grows by doubling. */
class Columns {
  hashes = new Uint8Array(64 * digestBytes);
  lengths = new Uint32Array(64);
  count = 0;

  push(hash: Uint8Array, length: number): void {
    if (this.count === this.lengths.length) {
      const hashes = new Uint8Array(2 * this.hashes.length);
      hashes.set(this.hashes);
      this.hashes = hashes;
      const lengths = new Uint32Array(2 * this.lengths.length);
      lengths.set(this.lengths);
      this.lengths = lengths;
    }
    this.hashes.set(hash, this.count * digestBytes);
    this.lengths[this.count++] = length;
  }

  hashesFrom(first: number): Uint8Array {
    return this.hashes.subarray(first * digestBytes, this.count * digestBytes);
  }
}

interface Cut {
  readonly bytesRead: number;
  readonly profile: ChunkProfile;
}

/** Chunks come in order and are all of the file. */
function pushChunks(chunks: Iterable<Uint8Array>, columns: Columns, sha256: Sha256 | null): void {
  for (const chunk of chunks) {
    columns.push(blake3(chunk), chunk.length);
    sha256?.update(chunk);
  }
}

/**
 * Reads `size` bytes, or to the end if that comes first, a megabyte or more at a time, straight into the chunker's window but for the
 * head. A file that grew meanwhile shows by its stat.
 */
function cutFile(
  { fs, chunker, scratch }: Tools,
  handle: FileHandle,
  size: number,
  choose: (head: Uint8Array) => ChunkProfile,
  columns: Columns,
  sha256: Sha256 | null,
): Cut {
  const head = scratch.subarray(0, Math.min(size, 1024 * 1024));
  const headBytes = fs.read(handle, head, 0);
  const profile = choose(head.subarray(0, Math.min(headBytes, profileHeadBytes)));
  chunker.start(profile);
  pushChunks(chunker.push(head.subarray(0, headBytes)), columns, sha256);
  let at = headBytes;
  for (let read = headBytes; read > 0 && at < size; at += read) {
    read = fs.read(handle, chunker.space().subarray(0, size - at), at);
    pushChunks(chunker.commit(read), columns, sha256);
  }
  pushChunks(chunker.finish(), columns, sha256);
  return { bytesRead: at, profile };
}

/** A file that is gone or replaced since it was listed is not blocked but busy; one that no manifest can list is unreadable. */
function toScanProblem(path: string, error: unknown): Problem {
  if (isTidemarkError(error, 'too-large')) return { path, code: 'unreadable', detail: error.message };
  const problem = errorToProblem(path, error);
  return problem.code === 'blocked' ? { ...problem, code: 'busy' } : problem;
}

function busy(path: string, detail: string): HashedFile {
  return { problem: { path, code: 'busy', detail } };
}

function hashFile(
  tools: Tools,
  folders: SafeFolders,
  file: HashFilesInput['files'][number],
  { preferFixed, wantsSha256 }: HashFilesInput,
  columns: Columns,
): HashedFile {
  const { fs } = tools;
  const { path, ino, dev, profileId } = file;
  const handle = fs.openRead(folders.atForReading(path));
  try {
    const before = fs.stat(handle);
    if (before.kind !== 'file' || before.ino !== ino || before.dev !== dev) {
      return busy(path, 'another file took its place while it was scanned');
    }
    const previous = profileId === 0 ? undefined : mustGetProfile(profileId);
    const first = columns.count;
    const choose = (head: Uint8Array) => selectProfile({ size: before.size, head, previous, preferFixed });
    const sha256 = wantsSha256 ? tools.createSha256() : null;
    const { bytesRead, profile } = cutFile(tools, handle, before.size, choose, columns, sha256);
    const stat = toStatMark(before);
    if (bytesRead !== before.size || !sameMark(stat, fs.stat(handle))) {
      columns.count = first;
      return busy(path, 'it changed while it was read');
    }
    const chunks = columns.count - first;
    const content = merkleRoot(parseDigestColumn(columns.hashesFrom(first)));
    if (chunks <= 1) columns.count = first;
    return { stat, content, profileId: profile.id, chunks, first, sha256: sha256?.digest() ?? null };
  } finally {
    fs.close(handle);
  }
}

/** Never throws for a file: what is wrong with one is its problem. */
export function hashFiles(tools: Tools, input: HashFilesInput): HashFilesOutput {
  const { root, files } = input;
  const columns = new Columns();
  const folders = new SafeFolders(tools.fs, root);
  try {
    const hashed = files.map((file): HashedFile => {
      const first = columns.count;
      try {
        return hashFile(tools, folders, file, input, columns);
      } catch (error) {
        columns.count = first;
        return { problem: toScanProblem(file.path, error) };
      }
    });
    return {
      files: hashed,
      hashes: columns.hashes.slice(0, columns.count * digestBytes),
      lengths: columns.lengths.slice(0, columns.count),
    };
  } finally {
    folders.close();
  }
}
