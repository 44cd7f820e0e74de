/**
 * Task: builds one pack of chunks that are read again from their files. Each is hashed as it is read: a file that changed
 * since the scan is named, and nothing of the pack is sent.
 */
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { equalBytes, emptyBytes } from '../../../shared/core/bytes.ts';
import { type Digest, digestBytes, parseDigestColumn } from '../../../shared/core/ids.ts';
import { buildPack } from '../../../shared/core/pack/pack-writer.ts';
import type { FileHandle, FileSystem } from '../file-system.ts';
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
}

export interface PackChunksOutput {
  /** Places in `paths` of files that do not hold their chunks any more. If there are any, there is no pack. */
  readonly changed: readonly number[];
  readonly packId: Digest | null;
  readonly bytes: Uint8Array;
}

/** Whether chunk `next` follows chunk `i` in the same file. */
function follows({ fileOf, offsets, lengths }: PackChunksInput, i: number, next: number): boolean {
  return fileOf[next] === fileOf[i] && offsets[next] === offsets[i]! + lengths[i]!;
}

function hashOf({ hashes }: PackChunksInput, i: number): Uint8Array {
  return hashes.subarray(i * digestBytes, (i + 1) * digestBytes);
}

/** Reads chunks [from, to), which lie one after another in one file, to `into`; false when one is not what it was. */
function readRun(
  fs: FileSystem,
  handle: FileHandle,
  input: PackChunksInput,
  from: number,
  to: number,
  into: Uint8Array,
): boolean {
  if (!readWhole(fs, handle, into, input.offsets[from]!)) return false;
  let at = 0;
  for (let i = from; i < to; i++) {
    const length = input.lengths[i]!;
    if (!equalBytes(blake3(into.subarray(at, at + length)), hashOf(input, i))) return false;
    at += length;
  }
  return true;
}

/** All chunks, one after another, and the files that changed. */
function readChunks(fs: FileSystem, input: PackChunksInput): { plain: Uint8Array; changed: Set<number> } {
  const plain = new Uint8Array(input.lengths.reduce((sum, length) => sum + length, 0));
  const changed = new Set<number>();
  const sources = new SourceFiles(fs, input.root);
  try {
    let at = 0;
    for (let from = 0; from < input.lengths.length;) {
      let bytes = input.lengths[from]!;
      let to = from + 1;
      for (; to < input.lengths.length && follows(input, to - 1, to); to++) bytes += input.lengths[to]!;
      const file = input.fileOf[from]!;
      const path = input.paths[file]!;
      try {
        const ok = readRun(fs, sources.handle(path), input, from, to, plain.subarray(at, at + bytes));
        if (!ok) changed.add(file);
      } catch (error) {
        errorToProblem(path, error);
        changed.add(file);
      }
      at += bytes;
      from = to;
    }
  } finally {
    sources.close();
  }
  return { plain, changed };
}

export function packChunks({ fs, codecs }: Tools, input: PackChunksInput): PackChunksOutput {
  const { plain, changed } = readChunks(fs, input);
  if (changed.size > 0) return { changed: [...changed], packId: null, bytes: emptyBytes };
  const hashes = parseDigestColumn(input.hashes);
  let end = 0;
  const { packId, bytes } = buildPack(codecs, hashes, (i) => {
    const begin = end;
    end += input.lengths[i]!;
    return plain.subarray(begin, end);
  });
  return { changed: [], packId, bytes };
}
