/** The tasks by name, and the tools that each worker makes once and keeps. */
import { type Chunker, createChunker } from '../../../shared/core/chunk/chunker.ts';
import type { Codecs } from '../../../shared/core/pack/codecs.ts';
import type { FileSystem } from '../file-system.ts';
import { carryOut } from '../folder/carry-out.ts';
import { hashFiles } from '../folder/hash-files.ts';
import { discardFiles, flushFiles, writeFiles } from '../folder/write-files.ts';
import { decodeFrames } from '../transfer/decode-frames.ts';
import { packChunks } from '../transfer/pack-chunks.ts';

export interface Tools {
  readonly fs: FileSystem;
  readonly codecs: Codecs;
  readonly chunker: Chunker;
  /** For one chunk, or the head of a file; valid until the task ends. */
  readonly scratch: Uint8Array;
}

/** 4 MiB: the longest chunk fits. */
const scratchBytes = 4 * 1024 * 1024;

export function createTools(fs: FileSystem, codecs: Codecs): Tools {
  return { fs, codecs, chunker: createChunker(), scratch: new Uint8Array(scratchBytes) };
}

export const tasks = { hashFiles, packChunks, decodeFrames, writeFiles, flushFiles, discardFiles, carryOut };
export type Tasks = typeof tasks;
