/**
 * The footer: what a pack holds and where. msgpack
 *
 *     [1, hashes, rawLengths, frameChunkCounts, frameStoredLengths, frameCodecs]
 *
 * `hashes` one bin of n * 32 bytes; `rawLengths` the n plain lengths of the chunks; then, for each frame, how many chunks
 * it holds, how many bytes it takes, and how it is compressed (codecs.ts). Offsets follow by adding up. All columns: a
 * full pack of 8,192 chunks decodes in well under a millisecond.
 *
 * Worked example, the chunks "hello" and "world!" raw in one frame:
 *
 *     96 01                        array of 6: version 1
 *     c4 40 ea8f…200f dc56…9e20    two hashes
 *     92 05 06                     plain lengths
 *     91 02  91 0b  91 00          one frame: 2 chunks, 11 bytes stored, codec 0
 */
import { encode } from '@msgpack/msgpack';
import { equalBytes } from '../bytes.ts';
import { isTidemarkError } from '../errors.ts';
import { type Digest, type DigestColumn, columnLength, digestBytes, parseDigestColumn } from '../ids.ts';
import { limits } from '../limits.ts';
import { decodeMsgpack } from '../msgpack.ts';
import { type CodecNumber, codecNumbers } from './codecs.ts';
import { corruptPack, packEnd, packHead, packTailBytes } from './pack-format.ts';

export interface PackFrame {
  /** Place of its first chunk in the pack. */
  readonly firstChunk: number;
  readonly chunks: number;
  /** Where its stored bytes begin in the blob, and how many they are. */
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly codec: CodecNumber;
}

export interface PackFooter {
  readonly hashes: DigestColumn;
  /** Plain length in bytes of chunk i. */
  readonly rawLengths: Uint32Array;
  readonly frames: readonly PackFrame[];
}

/** Where a chunk lies. In a frame that is the blob's bytes `frameOffset` to `+ frameStored`, at `offset` of its `frameRaw` plain bytes. */
export interface PackPlace {
  readonly packId: Digest;
  readonly frameOffset: number;
  readonly frameStored: number;
  readonly frameRaw: number;
  readonly codec: CodecNumber;
  readonly offset: number;
  readonly length: number;
}

const footerVersion = 1;

/** The footer's bytes. What goes in is not checked: `decodeFooter` is the judge. */
export function encodeFooter(footer: PackFooter): Uint8Array {
  const { hashes, rawLengths, frames } = footer;
  return encode([
    footerVersion,
    hashes,
    Array.from(rawLengths),
    frames.map((frame) => frame.chunks),
    frames.map((frame) => frame.storedLength),
    frames.map((frame) => frame.codec),
  ]).slice();
}

function decodeColumns(bytes: Uint8Array): readonly unknown[] {
  try {
    const valuesMax = 8 + 4 * limits.packChunksMax;
    const raw = decodeMsgpack(bytes, { what: 'the footer', depthMax: 2, valuesMax });
    if (Array.isArray(raw) && raw.length === 6) return raw as unknown[];
  } catch (cause) {
    if (!isTidemarkError(cause)) throw cause;
    throw corruptPack(cause.message);
  }
  throw corruptPack('the footer is not an array of six');
}

/** Integers from 1 (or `min`) to `max`, exactly `length` of them. */
function column(raw: unknown, name: string, length: number, max: number, min = 1): readonly number[] {
  if (!Array.isArray(raw) || raw.length !== length) throw corruptPack(`the footer's ${name} are not ${length}`);
  for (const value of raw as unknown[]) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw corruptPack(`one of the footer's ${name} is out of bounds`);
    }
  }
  return raw as number[];
}

function readHashes(raw: unknown): DigestColumn {
  if (!(raw instanceof Uint8Array) || raw.length % digestBytes !== 0) throw corruptPack('the hashes are not a column');
  const count = raw.length / digestBytes;
  if (count < 1 || count > limits.packChunksMax) throw corruptPack(`it holds ${count} chunks`, { chunks: count });
  return parseDigestColumn(raw);
}

/** The frames, with every sum checked against the next. */
function layFrames(
  rawLengths: readonly number[],
  counts: readonly number[],
  storedLengths: readonly number[],
  codecs: readonly number[],
): readonly PackFrame[] {
  const frames: PackFrame[] = [];
  let firstChunk = 0;
  let offset = packHead.length;
  for (const [i, chunks] of counts.entries()) {
    if (firstChunk + chunks > rawLengths.length) throw corruptPack('its frames hold more chunks than it has');
    let rawLength = 0;
    for (let c = firstChunk; c < firstChunk + chunks; c++) rawLength += rawLengths[c]!;
    if (chunks > 1 && rawLength > limits.frameBytesMax) throw corruptPack('a frame of several chunks is too long');
    const codec = codecs[i]! as CodecNumber;
    const storedLength = storedLengths[i]!;
    if (codec === codecNumbers.raw ? storedLength !== rawLength : storedLength > rawLength) {
      throw corruptPack('the stored length of a frame does not fit its codec', { frame: i });
    }
    frames.push({ firstChunk, chunks, offset, storedLength, rawLength, codec });
    firstChunk += chunks;
    offset += storedLength;
  }
  if (firstChunk !== rawLengths.length) throw corruptPack('its frames hold fewer chunks than it has');
  return frames;
}

/**
 * The footer of a pack of `blobLength` bytes. Every cap and every sum is checked: frames fill the space between head and
 * footer exactly. What is not checked here is the frames' bytes (pack-reader.ts). Throws `corrupt`.
 */
export function decodeFooter(footerBytes: Uint8Array, blobLength: number): PackFooter {
  if (footerBytes.length > limits.packFooterBytesMax) throw corruptPack('its footer is over the limit');
  const [version, rawHashes, lengths, counts, stored, codecs] = decodeColumns(footerBytes);
  if (version !== footerVersion) throw corruptPack('its footer is of a version that this side does not know');
  const hashes = readHashes(rawHashes);
  const rawLengths = column(lengths, 'lengths', columnLength(hashes), limits.chunkBytesMax);
  const frameCount = Array.isArray(counts) ? counts.length : 0;
  if (frameCount < 1) throw corruptPack('it has no frames');
  const frames = layFrames(
    rawLengths,
    column(counts, 'chunk counts', frameCount, limits.packChunksMax),
    column(stored, 'stored lengths', frameCount, limits.chunkBytesMax),
    column(codecs, 'codecs', frameCount, codecNumbers.zstd, codecNumbers.raw),
  );
  const last = frames[frames.length - 1]!;
  const storedBytes = last.offset + last.storedLength - packHead.length;
  if (storedBytes > limits.packBytesMax) throw corruptPack('its frames are over the limit', { storedBytes });
  const plainBytes = frames.reduce((sum, frame) => sum + frame.rawLength, 0);
  if (plainBytes > limits.packPlainBytesMax) throw corruptPack('its plain bytes are over the limit', { plainBytes });
  if (packHead.length + storedBytes + footerBytes.length + packTailBytes !== blobLength) {
    throw corruptPack('its frames and footer do not add up to its length', { blobLength });
  }
  return { hashes, rawLengths: Uint32Array.from(rawLengths), frames };
}

/** What the end of a pack says. */
export interface PackTail {
  /** Bytes of the footer, which ends `packTailBytes` before the end of the blob. */
  readonly footerLength: number;
  /** The footer, or undefined when `last` is too short to hold it: get the last `footerLength + packTailBytes` bytes. */
  readonly footer: Uint8Array | undefined;
}

/**
 * Finds the footer from the last bytes of a pack (12 at least, unless the blob is shorter; a few KiB save a second read).
 * Throws `corrupt`.
 */
export function readTail(last: Uint8Array, blobLength: number): PackTail {
  if (last.length < packTailBytes || last.length > blobLength) throw corruptPack('it is too short', { blobLength });
  if (!equalBytes(last.subarray(last.length - packEnd.length), packEnd)) throw corruptPack('it does not end as a pack');
  const at = last.length - packTailBytes;
  const footerLength = new DataView(last.buffer, last.byteOffset + at, 4).getUint32(0, true);
  if (footerLength > limits.packFooterBytesMax || footerLength + packTailBytes + packHead.length > blobLength) {
    throw corruptPack('the length of its footer is out of bounds', { footerLength });
  }
  return { footerLength, footer: footerLength <= at ? last.subarray(at - footerLength, at) : undefined };
}

/** Where each chunk of a pack lies, in the order of its hashes. */
export function placesOfPack(footer: PackFooter, packId: Digest): readonly PackPlace[] {
  const places: PackPlace[] = [];
  for (const { firstChunk, chunks, offset: frameOffset, storedLength, rawLength, codec } of footer.frames) {
    let offset = 0;
    for (let i = firstChunk; i < firstChunk + chunks; i++) {
      const length = footer.rawLengths[i]!;
      places.push({ packId, frameOffset, frameStored: storedLength, frameRaw: rawLength, codec, offset, length });
      offset += length;
    }
  }
  return places;
}
