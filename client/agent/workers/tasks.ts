/** The tasks by name, and the tools that each worker makes once and keeps. */
import { type Chunker, createChunker } from '../../../shared/core/chunk/chunker.ts';
import type { Sha256 } from '../../../shared/core/hash/sha256.ts';
import type { Codecs } from '../../../shared/core/pack/codecs.ts';
import type { FileSystem } from '../file-system.ts';
import { carryOut } from '../folder/carry-out.ts';
import { describeBytes } from '../folder/describe-bytes.ts';
import { hashFiles } from '../folder/hash-files.ts';
import { verifyChunks } from '../folder/verify-chunks.ts';
import { discardFiles, flushFiles, writeFiles } from '../folder/write-files.ts';
import { decodeFrames } from '../transfer/decode-frames.ts';
import { packChunks } from '../transfer/pack-chunks.ts';
import { createNodeSha256 } from './node-sha256.ts';

export interface Tools {
  readonly fs: FileSystem;
  readonly codecs: Codecs;
  readonly chunker: Chunker;
  /** For one chunk, or the head of a file; valid until the task ends. */
  readonly scratch: Uint8Array;
  createSha256(this: void): Sha256;
}

/** 4 MiB: the longest chunk fits. */
const scratchBytes = 4 * 1024 * 1024;

export function createTools(fs: FileSystem, codecs: Codecs): Tools {
  return {
    fs,
    codecs,
    chunker: createChunker(),
    scratch: new Uint8Array(scratchBytes),
    createSha256: createNodeSha256,
  };
}

export const tasks = {
  hashFiles,
  packChunks,
  decodeFrames,
  writeFiles,
  flushFiles,
  discardFiles,
  carryOut,
  describeBytes,
  verifyChunks,
};
export type Tasks = typeof tasks;
