/**
 * Cuts a stream of bytes into chunks. Fed in pieces of any length it cuts where it would cut the whole: by content
 * (cut.ts), or every `maxBytes` for fixed profiles. It holds one window of memory and copies little: input in by
 * `push`, not at all if the caller reads into `space()`, and the incomplete chunk to the window's front when a half is
 * used up.
 *
 * The fast way, with no copy between the file and the hash:
 *
 *     const chunker = createChunker();
 *     chunker.start(profile);
 *     for (let n; (n = readSync(file, chunker.space())) > 0; ) for (const chunk of chunker.commit(n)) hash(chunk);
 *     for (const chunk of chunker.finish()) hash(chunk);
 *
 * A chunk is a view of the window: valid until the next call of `space`, `push` or `start`, to be copied by whoever
 * keeps it. Each call's chunks must be drained before the next call; `start` alone may come at any time and forgets the
 * rest.
 *
 * Worked example: fixed profile of 4 bytes, pushed "abcdef", then "gh", then "i": "abcd" | "efgh" | and "i" on finish.
 */
import { limits } from '../limits.ts';
import { type CutWindow, createCutWindow } from './cut-wasm.ts';
import type { ChunkProfile } from './profiles.ts';

export interface Chunker {
  /** Begins a new input. Anything left of the one before is forgotten. A RangeError if the window is too small. */
  start(profile: ChunkProfile): void;
  /** The free part of the window, never empty: at least half of it. Bytes written there count once committed. */
  space(): Uint8Array;
  /** Takes the first `byteCount` bytes of the last `space()` as input; yields the chunks that are complete now. */
  commit(byteCount: number): Generator<Uint8Array, void>;
  /** Copies `bytes` in and yields what is complete. Works as it is iterated. `bytes` may be of any length. */
  push(bytes: Uint8Array): Generator<Uint8Array, void>;
  /** Ends the input and yields the rest: nothing for an empty input. Afterwards only `start` may follow. */
  finish(): Generator<Uint8Array, void>;
}

/**
 * Bytes of the window in use: two of the largest chunks, so that half of it is always free for input, but enough for
 * few and large reads. Measured from a file with hashing: 1 MiB is best for small chunks, and for large ones no size
 * beats two chunks (1,620 against 1,472 and 1,247 MB/s for four and eight), because what is hashed is still in the
 * cache.
 */
function windowBytes(profile: ChunkProfile): number {
  return Math.max(1024 * 1024, 2 * profile.maxBytes);
}

class WindowChunker implements Chunker {
  readonly #window: CutWindow;
  #profile: ChunkProfile | undefined;
  /** Input not yet yielded is window bytes [begin, end). */
  #begin = 0;
  #end = 0;
  #size = 0;
  #ended = true;

  constructor(window: CutWindow) {
    this.#window = window;
  }

  start(profile: ChunkProfile): void {
    this.#profile = profile;
    this.#begin = 0;
    this.#end = 0;
    this.#size = Math.min(windowBytes(profile), this.#window.bytes.length);
    if (this.#size < 2 * profile.maxBytes) throw new RangeError('a window holds at least two of the largest chunks');
    this.#ended = false;
  }

  space(): Uint8Array {
    this.#mustBeDrained();
    const { bytes } = this.#window;
    if (this.#size - this.#end < this.#size / 2) {
      bytes.copyWithin(0, this.#begin, this.#end);
      this.#end -= this.#begin;
      this.#begin = 0;
    }
    return bytes.subarray(this.#end, this.#size);
  }

  commit(byteCount: number): Generator<Uint8Array, void> {
    this.#mustBeDrained();
    if (!Number.isSafeInteger(byteCount) || byteCount < 0 || byteCount > this.#size - this.#end) {
      throw new RangeError('more bytes committed than the window has room for');
    }
    this.#end += byteCount;
    return this.#complete();
  }

  *push(bytes: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < bytes.length;) {
      const space = this.space();
      const piece = bytes.subarray(at, at + space.length);
      space.set(piece);
      at += piece.length;
      yield* this.commit(piece.length);
    }
  }

  finish(): Generator<Uint8Array, void> {
    this.#mustBeDrained();
    this.#ended = true;
    return this.#complete();
  }

  /** Whether the next chunk's end is known: no chunk is longer than `maxBytes`, so that many bytes are enough. */
  #isDecided(profile: ChunkProfile): boolean {
    const length = this.#end - this.#begin;
    return length >= profile.maxBytes || (this.#ended && length > 0);
  }

  /** Zero when the next chunk is not complete. */
  #nextLength(): number {
    const profile = this.#profile;
    if (profile === undefined || !this.#isDecided(profile)) return 0;
    return profile.content === undefined
      ? Math.min(profile.maxBytes, this.#end - this.#begin)
      : this.#window.cutLength(profile.content, this.#begin, this.#end);
  }

  *#complete(): Generator<Uint8Array, void> {
    const { bytes } = this.#window;
    for (let length = this.#nextLength(); length > 0; length = this.#nextLength()) {
      const from = this.#begin;
      this.#begin += length;
      yield bytes.subarray(from, this.#begin);
    }
  }

  #mustBeDrained(): void {
    if (this.#profile === undefined || this.#ended) throw new RangeError('the chunker has no input: call start first');
    if (this.#isDecided(this.#profile)) throw new RangeError('chunks of the last call were not drained');
  }
}

/** Pages of the window that a profile does not use never become real memory. */
const windowBytesMax = 2 * limits.chunkBytesMax;

/**
 * A chunker over a window of its own (8 MiB, of which documents and binaries use 1 MiB). It is good for any number of
 * inputs, one at a time: make one per worker and keep it. `start` comes first.
 */
export function createChunker(window: CutWindow = createCutWindow(windowBytesMax)): Chunker {
  return new WindowChunker(window);
}
