/**
 * Task: builds one pack of chunks that are read again from their files, into a buffer that is lent to it: besides that it holds one
 * chunk and one frame. Each chunk is hashed as it is read: a file that changed since the scan is named, and nothing of the pack is
 * sent.
 */
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { equalBytes } from '../../../shared/core/bytes.ts';
import { type Digest, digestBytes } from '../../../shared/core/ids.ts';
import { packHead, packTailBytes } from '../../../shared/core/pack/pack-format.ts';
import { PackWriter } from '../../../shared/core/pack/pack-writer.ts';
import { errorToProblem } from '../folder/file-problem.ts';
import { SourceFiles, readWhole } from '../folder/source-files.ts';
import type { Tools } from '../workers/tasks.ts';

/** Columns by chunk of the pack, in its order. */
export interface PackChunksInput {
  readonly root: string;
  /** Files that the chunks lie in, relative to the root. */
  readonly paths: readonly string[];
  /** Place of the chunk's file in `paths`. */
  readonly fileOf: Uint32Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** 32 bytes each. */
  readonly hashes: Uint8Array;
  /** Where the pack is built: all of a buffer of at least `packBytesAtMost`. Given back in the output. */
  readonly into: Uint8Array<ArrayBuffer>;
}

export interface PackChunksOutput {
  /** Places in `paths` of files that do not hold their chunks any more. If there are any, there is no pack. */
  readonly changed: readonly number[];
  readonly packId: Digest | null;
  /** The pack is the first so many bytes of `into`. */
  readonly length: number;
  readonly into: Uint8Array<ArrayBuffer>;
}

/** A chunk's share of a footer: its hash, and three integers of 5 bytes and one of 1 when it is a frame of its own. */
const footerBytesOfChunk = digestBytes + 3 * 5 + 1;
/** The lengths of the footer's six arrays. */
const footerBytesAtLeast = 6 * 5;

/** What a pack of so many chunks has at most: a frame never takes more than its plain bytes. */
export function packBytesAtMost(chunks: number, plainBytes: number): number {
  return packHead.length + plainBytes + footerBytesAtLeast + chunks * footerBytesOfChunk + packTailBytes;
}

/** Whether chunk `next` follows chunk `i` in the same file. */
function follows({ fileOf, offsets, lengths }: PackChunksInput, i: number, next: number): boolean {
  return fileOf[next] === fileOf[i] && offsets[next] === offsets[i]! + lengths[i]!;
}

function hashOf({ hashes }: PackChunksInput, i: number): Uint8Array {
  return hashes.subarray(i * digestBytes, (i + 1) * digestBytes);
}

/** The chunk after the last of the run that begins at `from`: chunks one after another in one file, read together. */
function endOfRun(
  input: PackChunksInput,
  from: number,
  bytesMax: number,
): { readonly to: number; readonly bytes: number } {
  const { lengths } = input;
  let bytes = lengths[from]!;
  let to = from + 1;
  for (; to < lengths.length && bytes + lengths[to]! <= bytesMax && follows(input, to - 1, to); to++) {
    bytes += lengths[to]!;
  }
  return { to, bytes };
}

/** Hands every chunk to `take` that is as it was, in order, valid until the next. Gives the places of the files that changed. */
function readChunks(
  { fs, scratch }: Tools,
  input: PackChunksInput,
  take: (i: number, chunk: Uint8Array) => void,
): Set<number> {
  const changed = new Set<number>();
  const sources = new SourceFiles(fs, input.root);
  const readRun = (path: string, from: number, to: number, bytes: number): boolean => {
    const run = scratch.subarray(0, bytes);
    if (!readWhole(fs, sources.handle(path), run, input.offsets[from]!)) return false;
    let at = 0;
    for (let i = from; i < to; i++) {
      const chunk = run.subarray(at, at + input.lengths[i]!);
      if (!equalBytes(blake3(chunk), hashOf(input, i))) return false;
      if (changed.size === 0) take(i, chunk);
      at += chunk.length;
    }
    return true;
  };
  try {
    for (let from = 0; from < input.lengths.length;) {
      const { to, bytes } = endOfRun(input, from, scratch.length);
      const file = input.fileOf[from]!;
      const path = input.paths[file]!;
      if (!isRead(path, () => readRun(path, from, to, bytes))) changed.add(file);
      from = to;
    }
  } finally {
    sources.close();
  }
  return changed;
}

/** False, too, for a file that cannot be read. Throws what is no error of a file. */
function isRead(path: string, read: () => boolean): boolean {
  try {
    return read();
  } catch (error) {
    errorToProblem(path, error);
    return false;
  }
}

export function packChunks(tools: Tools, input: PackChunksInput): PackChunksOutput {
  const { into } = input;
  const writer = new PackWriter(tools.codecs);
  let length = 0;
  const append = (pieces: readonly Uint8Array[]): void => {
    for (const piece of pieces) {
      into.set(piece, length);
      length += piece.length;
    }
  };
  const changed = readChunks(tools, input, (i, chunk) => append(writer.add(hashOf(input, i), chunk)));
  if (changed.size > 0) return { changed: [...changed], packId: null, length: 0, into };
  const { pieces, packId } = writer.finish();
  append(pieces);
  return { changed: [], packId, length, into };
}
