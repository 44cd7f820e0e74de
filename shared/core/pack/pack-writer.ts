/**
 * Writing packs, as a stream and without I/O. Consecutive chunks gather in a frame of at most 256 KiB; a full frame is
 * compressed where that saves at least a sixteenth, and its bytes are final.
 *
 * Compressors have corrupted data (restic#4523), and files change between hashing and packing. So each frame is decoded
 * from what will be stored and every chunk in it hashed, before a byte is handed out. A compressor's fault costs its
 * saving only: the frame is stored raw and counted in `codecFaults`. A chunk that is not what its hash says is refused.
 */
import { concatBytes, emptyBytes, equalBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { blake3 } from '../hash/blake3.ts';
import { type Digest, type DigestColumn, columnBytesAt, columnLength, digestBytes, parseDigestColumn } from '../ids.ts';
import { limits } from '../limits.ts';
import { merkleRoot } from '../merkle/tree.ts';
import { type CodecNumber, type Codecs, codecNumbers } from './codecs.ts';
import { looksCompressible } from './compress-probe.ts';
import { type PackFrame, encodeFooter } from './pack-footer.ts';
import { packEnd, packHead, packTailBytes } from './pack-format.ts';

export interface FinishedPack {
  /** The rest of the pack: the last frame, the footer and the end. */
  readonly pieces: readonly Uint8Array[];
  readonly packId: Digest;
  /** Length of the whole blob. */
  readonly storedBytes: number;
}

interface EncodedFrame {
  readonly stored: Uint8Array;
  readonly codec: CodecNumber;
}

/** One pack: `add` each chunk, then `finish`; the pieces given out, joined in order, are the blob. */
export class PackWriter {
  readonly #codecs: Codecs | null;
  readonly #codecName: keyof Codecs;
  #hashes = new Uint8Array(64 * digestBytes);
  readonly #rawLengths: number[] = [];
  readonly #frames: PackFrame[] = [];
  #frame: Uint8Array = emptyBytes;
  #frameFill = 0;
  /** Chunks in finished frames, and the blob's length up to their end. */
  #framedChunks = 0;
  #framedBytes = packHead.length;
  #plainBytes = 0;
  #codecFaults = 0;

  /** @param codecs null to store everything raw. @param codecName what frames are compressed with. */
  constructor(codecs: Codecs | null, codecName: keyof Codecs = 'zstd') {
    this.#codecs = codecs;
    this.#codecName = codecName;
  }

  get chunks(): number {
    return this.#rawLengths.length;
  }

  get plainBytes(): number {
    return this.#plainBytes;
  }

  /** Frames whose compressed form did not decode to what went in. Anything but 0 is a broken codec or machine: report it. */
  get codecFaults(): number {
    return this.#codecFaults;
  }

  /**
   * Appends a chunk: `hash` its BLAKE3 (32 bytes), `plain` 1 byte to 4 MiB, which are consumed before the return. Gives the
   * stored pieces that became final, the head of the pack with the first. Throws `too-large` when the pack is full, and
   * `corrupt` when a chunk does not match its hash (here or when its frame ends); the writer is of no use then.
   */
  add(hash: Uint8Array, plain: Uint8Array): readonly Uint8Array[] {
    if (hash.length !== digestBytes) throw new TidemarkError('malformed', 'a digest is 32 bytes');
    if (plain.length < 1 || plain.length > limits.chunkBytesMax) {
      throw new TidemarkError('too-large', 'a chunk has 1 byte to 4 MiB', { data: { length: plain.length } });
    }
    this.#checkRoom(plain.length);
    const pieces: Uint8Array[] = [];
    if (this.#frameFill + plain.length > limits.frameBytesMax) this.#endFrame(pieces);
    this.#note(hash, plain.length);
    if (plain.length > limits.frameBytesMax) {
      pieces.push(this.#storeFrame(plain));
    } else {
      if (this.#frame.length === 0) this.#frame = new Uint8Array(limits.frameBytesMax);
      this.#frame.set(plain, this.#frameFill);
      this.#frameFill += plain.length;
      if (this.#frameFill === limits.frameBytesMax) this.#endFrame(pieces);
    }
    return pieces;
  }

  /** Ends the pack. Throws `malformed` when it holds no chunk. */
  finish(): FinishedPack {
    if (this.chunks === 0) throw new TidemarkError('malformed', 'a pack holds at least one chunk');
    const pieces: Uint8Array[] = [];
    this.#endFrame(pieces);
    const hashes = parseDigestColumn(this.#hashes.slice(0, this.chunks * digestBytes));
    const footer = encodeFooter({ hashes, rawLengths: Uint32Array.from(this.#rawLengths), frames: this.#frames });
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, footer.length, true);
    pieces.push(concatBytes(footer, length, packEnd));
    return {
      pieces,
      packId: merkleRoot(hashes),
      storedBytes: this.#framedBytes + footer.length + packTailBytes,
    };
  }

  /** A frame never takes more than its plain bytes, so room for those is room enough. */
  #checkRoom(plainLength: number): void {
    const storedAtMost = this.#framedBytes - packHead.length + this.#frameFill + plainLength;
    if (
      this.chunks >= limits.packChunksMax ||
      storedAtMost > limits.packBytesMax ||
      this.#plainBytes + plainLength > limits.packPlainBytesMax
    ) {
      throw new TidemarkError('too-large', 'the pack is full', { data: { chunks: this.chunks } });
    }
  }

  #note(hash: Uint8Array, plainLength: number): void {
    const at = this.chunks * digestBytes;
    if (at === this.#hashes.length) {
      const grown = new Uint8Array(2 * at);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes.set(hash, at);
    this.#rawLengths.push(plainLength);
    this.#plainBytes += plainLength;
  }

  #endFrame(pieces: Uint8Array[]): void {
    if (this.#frameFill === 0) return;
    const plain = this.#frame.subarray(0, this.#frameFill);
    this.#frameFill = 0;
    pieces.push(this.#storeFrame(plain));
  }

  /** Encodes and checks the frame of all chunks noted since the last one; gives the piece to store. */
  #storeFrame(plain: Uint8Array): Uint8Array {
    const { stored, codec } = this.#encode(plain);
    const isFirst = this.#frames.length === 0;
    this.#frames.push({
      firstChunk: this.#framedChunks,
      chunks: this.chunks - this.#framedChunks,
      offset: this.#framedBytes,
      storedLength: stored.length,
      rawLength: plain.length,
      codec,
    });
    this.#framedChunks = this.chunks;
    this.#framedBytes += stored.length;
    return isFirst ? concatBytes(packHead, stored) : stored;
  }

  #encode(plain: Uint8Array): EncodedFrame {
    const compressed = this.#compress(plain);
    if (compressed !== undefined) {
      if (this.#decodes(compressed.stored, plain.length)) return compressed;
      this.#codecFaults++;
    }
    const stored = plain.slice();
    if (!this.#matchesHashes(stored)) {
      throw new TidemarkError(
        'corrupt',
        'a chunk to be packed does not match its hash; its file changed, or memory did',
      );
    }
    return { stored, codec: codecNumbers.raw };
  }

  /** Undefined where compressing does not save a sixteenth, or fails. */
  #compress(plain: Uint8Array): EncodedFrame | undefined {
    if (this.#codecs === null || !looksCompressible(plain, this.#codecs.lz4)) return undefined;
    try {
      const stored = this.#codecs[this.#codecName].compress(plain);
      const saves = stored.length <= plain.length - Math.ceil(plain.length / 16);
      return saves ? { stored, codec: codecNumbers[this.#codecName] } : undefined;
    } catch {
      this.#codecFaults++;
      return undefined;
    }
  }

  #decodes(stored: Uint8Array, plainLength: number): boolean {
    try {
      return this.#matchesHashes(this.#codecs![this.#codecName].decompress(stored, plainLength));
    } catch {
      return false;
    }
  }

  /** Whether a plain frame is the chunks noted since the last frame. */
  #matchesHashes(plain: Uint8Array): boolean {
    let offset = 0;
    for (let i = this.#framedChunks; i < this.chunks; i++) {
      const chunk = plain.subarray(offset, offset + this.#rawLengths[i]!);
      if (!equalBytes(blake3(chunk), this.#hashes.subarray(i * digestBytes, (i + 1) * digestBytes))) return false;
      offset += chunk.length;
    }
    return offset === plain.length;
  }
}

/** A pack of the given chunks as one array; `chunkAt(i)` gives the plain bytes of chunk i. Errors as of `PackWriter`. */
export function buildPack(
  codecs: Codecs | null,
  hashes: DigestColumn,
  chunkAt: (i: number) => Uint8Array,
): { readonly packId: Digest; readonly bytes: Uint8Array } {
  const writer = new PackWriter(codecs);
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < columnLength(hashes); i++) pieces.push(...writer.add(columnBytesAt(hashes, i), chunkAt(i)));
  const { pieces: rest, packId } = writer.finish();
  return { packId, bytes: concatBytes(...pieces, ...rest) };
}
