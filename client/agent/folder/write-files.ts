/**
 * Tasks: write temp files from chunks, and flush them. Every chunk is hashed right before it is written at its place, against
 * the chunk list whose Merkle root is the file's content, so neither transport nor an offset gone wrong can put other
 * bytes into a file (Dropbox found such a bug in its simulator: an offset computed after filtering known blocks).
 *
 * A file may be written by several calls, one part each: the handle is given back and comes again with the next part.
 */
import { emptyBytes, equalBytes } from '../../../shared/core/bytes.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { type Digest, digestBytes } from '../../../shared/core/ids.ts';
import type { FileHandle, FileSystem } from '../file-system.ts';
import type { Problem } from '../ports.ts';
import type { Tools } from '../workers/tasks.ts';
import { errorToProblem } from './file-problem.ts';
import { SafeFolders } from './safe-folders.ts';
import { SourceFiles, readWhole } from './source-files.ts';

export interface PartToWrite {
  /** Of the file that is to be, for problems. */
  readonly path: string;
  /** Where it is written: a path in the control folder. */
  readonly temp: string;
  readonly mode: number;
  readonly mtimeMs: number;
  /** Of the whole file, which is checked with the last part; null where nobody told it. */
  readonly sha256: Digest | null;
  /** Open from the part before; null for the first. */
  readonly handle: FileHandle | null;
  readonly position: number;
  /** Chunks [first, first + count) of the columns. */
  readonly first: number;
  readonly count: number;
  readonly isLast: boolean;
}

/** Columns by chunk: its hash and length, and where it is: `source` a place in `sources`, or -1 for the arena; `at` in bytes. */
export interface WriteFilesInput {
  readonly root: string;
  readonly parts: readonly PartToWrite[];
  readonly hashes: Uint8Array;
  readonly lengths: Uint32Array;
  readonly source: Int32Array;
  readonly at: Float64Array;
  /** Files of the folder, and partials, relative to the root. */
  readonly sources: readonly string[];
  readonly arena: SharedArrayBuffer | null;
}

/**
 * `written`: with the handle, null after the last part. `stale`: places of chunks that a local file does not hold any more.
 * `corrupt`: the place of a fetched chunk that is not what its hash says. In all but the first case the temp file is gone.
 */
export type PartResult =
  | { readonly written: true; readonly handle: FileHandle | null }
  | { readonly written: false; readonly stale: readonly number[] }
  | { readonly written: false; readonly corrupt: number }
  | { readonly written: false; readonly problem: Problem };

export interface WriteFilesOutput {
  readonly parts: readonly PartResult[];
}

/** Chunks that could not be had. */
class ChunkFault extends Error {
  readonly stale: readonly number[];
  readonly corrupt: number;

  constructor(stale: readonly number[], corrupt: number) {
    super('a chunk is not what it should be');
    this.stale = stale;
    this.corrupt = corrupt;
  }
}

function wrongSha256({ path }: PartToWrite): Problem {
  return { path, code: 'unreadable', detail: 'its content has not the SHA-256 that its author told of it' };
}

class Writer {
  readonly #tools: Tools;
  readonly #input: WriteFilesInput;
  readonly #folders: SafeFolders;
  readonly #sources: SourceFiles;
  readonly #arena: Uint8Array;

  constructor(tools: Tools, input: WriteFilesInput) {
    this.#tools = tools;
    this.#input = input;
    this.#folders = new SafeFolders(tools.fs, input.root);
    this.#sources = new SourceFiles(tools.fs, input.root, { partials: true });
    this.#arena = input.arena === null ? emptyBytes : new Uint8Array(input.arena);
  }

  close(): void {
    this.#sources.close();
    this.#folders.close();
  }

  write(part: PartToWrite): PartResult {
    let handle = part.handle;
    try {
      handle ??= this.#tools.fs.openNew(this.#folders.at(part.temp), part.mode);
      this.#writeChunks(part, handle);
      if (!part.isLast) return { written: true, handle };
      if (part.sha256 !== null && this.#sha256OfWritten(part) !== part.sha256) {
        this.#discard(part, handle);
        return { written: false, problem: wrongSha256(part) };
      }
      this.#tools.fs.setTimes(handle, part.mtimeMs);
      this.#tools.fs.close(handle);
      return { written: true, handle: null };
    } catch (error) {
      if (handle !== null) this.#discard(part, handle);
      if (!(error instanceof ChunkFault)) return { written: false, problem: errorToProblem(part.path, error) };
      return error.corrupt < 0 ? { written: false, stale: error.stale } : { written: false, corrupt: error.corrupt };
    }
  }

  /** All chunks that are stale are found at once, so that they are fetched at once. */
  #writeChunks(part: PartToWrite, handle: FileHandle): void {
    const { fs, scratch } = this.#tools;
    const { lengths, hashes, source } = this.#input;
    const stale: number[] = [];
    let position = part.position;
    for (let i = part.first; i < part.first + part.count; i++) {
      const chunk = scratch.subarray(0, lengths[i]);
      const isThere = this.#load(i, chunk);
      if (!isThere || !equalBytes(blake3(chunk), hashes.subarray(i * digestBytes, (i + 1) * digestBytes))) {
        if (source[i]! < 0) throw new ChunkFault([], i);
        stale.push(i);
      } else if (stale.length === 0) {
        fs.write(handle, chunk, position);
      }
      position += chunk.length;
    }
    if (stale.length > 0) throw new ChunkFault(stale, -1);
  }

  /** Of the temp file as it is: a file of several parts was written by several workers, each of which saw a part of it alone. */
  #sha256OfWritten({ temp }: PartToWrite): Digest {
    const { fs, scratch } = this.#tools;
    const sha256 = this.#tools.createSha256();
    const handle = fs.openRead(this.#folders.at(temp));
    try {
      for (let at = 0; ;) {
        const read = fs.read(handle, scratch, at);
        if (read === 0) return sha256.digest();
        sha256.update(scratch.subarray(0, read));
        at += read;
      }
    } finally {
      fs.close(handle);
    }
  }

  /** False when the chunk's source has not that many bytes there, or is not to be read. */
  #load(i: number, into: Uint8Array): boolean {
    const source = this.#input.source[i]!;
    const at = this.#input.at[i]!;
    if (source < 0) {
      const bytes = this.#arena.subarray(at, at + into.length);
      into.set(bytes);
      return bytes.length === into.length;
    }
    const path = this.#input.sources[source]!;
    try {
      return readWhole(this.#tools.fs, this.#sources.handle(path), into, at);
    } catch (error) {
      errorToProblem(path, error);
      return false;
    }
  }

  #discard(part: PartToWrite, handle: FileHandle): void {
    try {
      this.#tools.fs.close(handle);
      this.#tools.fs.removeFile(this.#folders.at(part.temp));
    } catch (error) {
      // It stays in the control folder, where the next start sweeps it.
      errorToProblem(part.path, error);
    }
  }
}

export function writeFiles(tools: Tools, input: WriteFilesInput): WriteFilesOutput {
  const writer = new Writer(tools, input);
  try {
    return { parts: input.parts.map((part) => writer.write(part)) };
  } finally {
    writer.close();
  }
}

export interface FlushFilesInput {
  readonly root: string;
  /** Paths relative to the root; none flushes the whole file system in one go, where the host can. */
  readonly paths: readonly string[];
}

function flushEach(fs: FileSystem, root: string, paths: readonly string[]): void {
  const folders = new SafeFolders(fs, root);
  try {
    for (const path of paths) {
      const handle = fs.openRead(folders.at(path));
      try {
        fs.flush(handle);
      } finally {
        fs.close(handle);
      }
    }
  } finally {
    folders.close();
  }
}

/**
 * Whether the files are on the disk now: false when the host has no call to flush a file system. A flush that fails throws, and
 * must not be repeated: the kernel forgets what it could not write, and a second one would succeed (LWN 752063, "fsyncgate").
 */
export function flushFiles({ fs }: Tools, { root, paths }: FlushFilesInput): boolean {
  if (paths.length === 0) return fs.flushAll(root);
  flushEach(fs, root, paths);
  return true;
}

export interface DiscardFilesInput {
  readonly root: string;
  /** To be closed. */
  readonly handles: readonly FileHandle[];
  /** To be removed, relative to the root; those that are not there are passed over. */
  readonly paths: readonly string[];
}

/** Task: gives up temp files. What cannot be removed stays in the control folder, where the next start sweeps it. */
export function discardFiles({ fs }: Tools, { root, handles, paths }: DiscardFilesInput): void {
  for (const handle of handles) fs.close(handle);
  const folders = new SafeFolders(fs, root);
  try {
    for (const path of paths) {
      try {
        fs.removeFile(folders.at(path));
      } catch (error) {
        errorToProblem(path, error);
      }
    }
  } finally {
    folders.close();
  }
}
