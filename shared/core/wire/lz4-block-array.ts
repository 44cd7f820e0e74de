/**
 * LZ4 as MessagePack-CSharp's `MessagePackCompression.Lz4BlockArray` writes it (MessagePackSerializer.cs, ToLZ4BinaryCore):
 *
 *     array of 1 + n | ext, type 98: the n plain lengths as msgpack integers | n times bin: an LZ4 block
 *
 * The ext header takes the shortest of fixext 1, 2, 4, 8, 16 and ext 8, 16, 32; so do the integers and the bins. Older
 * versions wrote each length as a five-byte int32, so a reader takes every form of integer. The writer there cuts at the
 * ends of its 32 KiB buffers; any cut is valid, and we cut at 32 KiB.
 *
 * Worked example, 40 bytes of 0x2a in one block:
 *
 *     92                     array of 2
 *     d4 62 28               fixext 1, type 98: 40
 *     c4 0c                  bin of 12
 *       1f 2a 01 00 0e         one literal 2a, then a match of 15 + 4 + 14 = 33 bytes at distance 1
 *       60 2a 2a 2a 2a 2a 2a   the last six as literals
 */
import { concatBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Codec } from '../pack/codecs.ts';

const extType = 98;
const blockBytes = 32 * 1024;

function malformed(why: string): TidemarkError {
  return new TidemarkError('malformed', `the compressed message is not of its form: ${why}`);
}

/** A msgpack header: the one-byte form below a bound, else marker and big-endian value in 8, 16 or 32 bits. */
function header(value: number, small: number | undefined, markers: readonly [number | undefined, number, number]) {
  if (small !== undefined) return Uint8Array.of(small);
  const [marker8, marker16, marker32] = markers;
  if (value < 0x100 && marker8 !== undefined) return Uint8Array.of(marker8, value);
  if (value < 0x10000) return Uint8Array.of(marker16, value >> 8, value & 0xff);
  return Uint8Array.of(marker32, value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

const arrayHeader = (count: number) => header(count, count < 16 ? 0x90 | count : undefined, [undefined, 0xdc, 0xdd]);
const integerBytes = (value: number) => header(value, value < 0x80 ? value : undefined, [0xcc, 0xcd, 0xce]);
const binHeader = (length: number) => header(length, undefined, [0xc4, 0xc5, 0xc6]);
/** fixext 1, 2, 4, 8, 16. */
const fixedExt: ReadonlyMap<number, number> = new Map([
  [1, 0xd4],
  [2, 0xd5],
  [4, 0xd6],
  [8, 0xd7],
  [16, 0xd8],
]);
const extHeader = (length: number) =>
  concatBytes(header(length, fixedExt.get(length), [0xc7, 0xc8, 0xc9]), Uint8Array.of(extType));

/** Wraps msgpack bytes (at least one). The result may be longer than the input: the caller compares. */
export function wrapLz4(plain: Uint8Array, lz4: Codec): Uint8Array {
  const lengths: Uint8Array[] = [];
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += blockBytes) {
    const block = plain.subarray(at, at + blockBytes);
    const stored = lz4.compress(block);
    lengths.push(integerBytes(block.length));
    blocks.push(binHeader(stored.length), stored);
  }
  const lengthBytes = concatBytes(...lengths);
  return concatBytes(arrayHeader(1 + lengths.length), extHeader(lengthBytes.length), lengthBytes, ...blocks);
}

/** Reads big-endian numbers and runs of bytes, never past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  uint(width: number): number {
    if (width > this.left) throw malformed('it ends early');
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + this.#bytes[this.at++]!;
    return value;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw malformed('it ends early');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** A non-negative integer in any of msgpack's forms; a negative or 64-bit one is no length. */
  length(): number {
    const marker = this.uint(1);
    if (marker < 0x80) return marker;
    if (marker >= 0xcc && marker <= 0xce) return this.uint(1 << (marker - 0xcc));
    if (marker < 0xd0 || marker > 0xd2) throw malformed('a block length is not an integer');
    const width = 1 << (marker - 0xd0);
    const value = this.uint(width);
    if (value >= 2 ** (8 * width - 1)) throw malformed('a block length is negative');
    return value;
  }

  /** The array's count, or undefined when the next value is no array. */
  arrayCount(): number | undefined {
    const marker = this.uint(1);
    if ((marker & 0xf0) === 0x90) return marker & 0x0f;
    return marker === 0xdc ? this.uint(2) : marker === 0xdd ? this.uint(4) : undefined;
  }

  /** The payload's length of an ext of our type, or undefined when the next value is none. */
  extLength(): number | undefined {
    const marker = this.uint(1);
    let length: number;
    if (marker >= 0xd4 && marker <= 0xd8) length = 1 << (marker - 0xd4);
    else if (marker >= 0xc7 && marker <= 0xc9) length = this.uint(1 << (marker - 0xc7));
    else return undefined;
    return this.uint(1) === extType ? length : undefined;
  }

  bin(): Uint8Array {
    const marker = this.uint(1);
    if (marker < 0xc4 || marker > 0xc6) throw malformed('a block is not a bin');
    return this.take(this.uint(1 << (marker - 0xc4)));
  }
}

/** Whether some bytes begin as a wrapped message. Any other message begins with an array whose first item is no such ext. */
export function isLz4Wrapped(bytes: Uint8Array): boolean {
  const marker = bytes[0];
  const width = marker === undefined ? 0 : (marker & 0xf0) === 0x90 ? 1 : marker === 0xdc ? 3 : marker === 0xdd ? 5 : 0;
  const ext = bytes[width];
  if (width === 0 || ext === undefined) return false;
  if (ext >= 0xd4 && ext <= 0xd8) return bytes[width + 1] === extType;
  return ext >= 0xc7 && ext <= 0xc9 && bytes[width + 1 + (1 << (ext - 0xc7))] === extType;
}

/** Reads the ext; the sum of the lengths is capped before any block is decoded. */
function readLengths(reader: Reader, bytesMax: number): readonly number[] {
  const count = reader.arrayCount();
  const extLength = count === undefined || count < 2 ? undefined : reader.extLength();
  if (count === undefined || extLength === undefined) throw malformed('it has no lengths');
  const lengths = new Reader(reader.take(extLength));
  const found: number[] = [];
  let total = 0;
  while (lengths.left > 0) {
    const length = lengths.length();
    total += length;
    if (total > bytesMax) {
      throw new TidemarkError('too-large', 'the message is over the limit once decompressed', { data: { bytesMax } });
    }
    found.push(length);
  }
  if (found.length !== count - 1) throw malformed('it has not one length for each block');
  return found;
}

/**
 * The msgpack bytes of a wrapped message: at most `bytesMax`, checked before anything is allocated. Takes blocks of any
 * size. Throws `malformed`, `too-large`, or `corrupt` where a block does not decode to its length.
 */
export function unwrapLz4(bytes: Uint8Array, lz4: Codec, bytesMax: number = limits.requestBytesMax): Uint8Array {
  const reader = new Reader(bytes);
  const lengths = readLengths(reader, bytesMax);
  const blocks = lengths.map((length) => {
    const stored = reader.bin();
    // An LZ4 block grows by a factor of at most 255: a longer claim is a lie, refused before it is allocated.
    if (length > 255 * stored.length) throw malformed('a block cannot be as long as it says');
    return lz4.decompress(stored, length);
  });
  if (reader.left > 0) throw malformed('bytes follow its end');
  return concatBytes(...blocks);
}
