/**
 * Task: decodes the frames of one fetched range of a pack, and puts the chunks wanted from them into an arena that all workers
 * share. Lengths come from the server: every one is checked before anything is allocated or copied. The chunks are hashed
 * later, when they are written to their files.
 */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { decodeFrame } from '../../../shared/core/pack/pack-reader.ts';
import type { Tools } from '../workers/tasks.ts';

export interface FrameToDecode {
  /** Where it begins in `stored`. */
  readonly at: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly codec: number;
  /** Wanted from it, in bytes: `from` in the plain frame, `to` in the arena. */
  readonly pieces: readonly { readonly from: number; readonly length: number; readonly to: number }[];
}

export interface DecodeFramesInput {
  /** Given back in the output. */
  readonly stored: Uint8Array;
  readonly frames: readonly FrameToDecode[];
  readonly arena: SharedArrayBuffer;
}

export interface DecodeFramesOutput {
  /** Frames that did not decode. Their places in the arena stay as they were: whoever writes them finds by their hashes that they are not what was wanted. */
  readonly faults: number;
  readonly stored: Uint8Array;
}

function decodeInto({ codecs }: Tools, input: DecodeFramesInput, frame: FrameToDecode, arena: Uint8Array): void {
  const stored = input.stored.subarray(frame.at, frame.at + frame.storedLength);
  const plain = decodeFrame(codecs, frame.codec, stored, frame.rawLength);
  for (const { from, length, to } of frame.pieces) arena.set(plain.subarray(from, from + length), to);
}

export function decodeFrames(tools: Tools, input: DecodeFramesInput): DecodeFramesOutput {
  const arena = new Uint8Array(input.arena);
  let faults = 0;
  for (const frame of input.frames) {
    try {
      decodeInto(tools, input, frame, arena);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      faults++;
    }
  }
  return { faults, stored: input.stored };
}
