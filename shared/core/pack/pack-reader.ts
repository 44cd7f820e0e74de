/**
 * Reading packs, which come from anyone. Everything is decoded and hashed before it counts.
 *
 * A pack is verified from one copy in memory: the footer, which says how to read it, comes last, and a pack has at most
 * `packBlobBytesMax` (16.5 MiB) bytes, so holding it is cheaper than reading it twice. The plain bytes of one frame
 * at a time are held besides, at most 4 MiB.
 */
import { concatBytes, equalBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { blake3 } from '../hash/blake3.ts';
import { type Digest, type DigestColumn, columnBytesAt } from '../ids.ts';
import { limits } from '../limits.ts';
import { merkleRoot } from '../merkle/tree.ts';
import { type Codecs, codecNumbers } from './codecs.ts';
import {
  type PackFooter,
  type PackFrame,
  type PackPlace,
  decodeFooter,
  placesOfPack,
  readTail,
} from './pack-footer.ts';
import { corruptPack, packBlobBytesMax, packHead } from './pack-format.ts';

export interface VerifiedPackContents {
  readonly packId: Digest;
  /** Length of the whole blob. */
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly hashes: DigestColumn;
  /** `places[i]` is where chunk i lies. */
  readonly places: readonly PackPlace[];
}

/**
 * The plain bytes of a frame: exactly `rawLength`, checked against the cap before anything is allocated. A raw frame is
 * returned as it is, not copied. Throws `corrupt`, or `unsupported` for a codec that this side does not know.
 */
export function decodeFrame(codecs: Codecs, codec: number, stored: Uint8Array, rawLength: number): Uint8Array {
  if (!Number.isInteger(rawLength) || rawLength < 1 || rawLength > limits.chunkBytesMax) {
    throw new TidemarkError('corrupt', 'the length of a frame is out of bounds', { data: { rawLength } });
  }
  switch (codec) {
    case codecNumbers.raw:
      if (stored.length !== rawLength) throw new TidemarkError('corrupt', 'a raw frame does not have its length');
      return stored;
    case codecNumbers.lz4:
      return codecs.lz4.decompress(stored, rawLength);
    case codecNumbers.zstd:
      return codecs.zstd.decompress(stored, rawLength);
    default:
      throw new TidemarkError('unsupported', 'a frame is compressed in a way that this side does not know');
  }
}

/** The chunk at `offset` of a plain frame, as a view. Throws `corrupt` unless its hash is `hash` (32 bytes). */
export function chunkOfFrame(plain: Uint8Array, offset: number, length: number, hash: Uint8Array): Uint8Array {
  const chunk = plain.subarray(offset, offset + length);
  if (offset < 0 || chunk.length !== length || !equalBytes(blake3(chunk), hash)) {
    throw new TidemarkError('corrupt', 'a chunk does not match its hash');
  }
  return chunk;
}

function verifyFrame(bytes: Uint8Array, codecs: Codecs, footer: PackFooter, frame: PackFrame): void {
  const stored = bytes.subarray(frame.offset, frame.offset + frame.storedLength);
  const plain = decodeFrame(codecs, frame.codec, stored, frame.rawLength);
  let offset = 0;
  for (let i = frame.firstChunk; i < frame.firstChunk + frame.chunks; i++) {
    const length = footer.rawLengths[i]!;
    if (!equalBytes(blake3(plain.subarray(offset, offset + length)), columnBytesAt(footer.hashes, i))) {
      throw corruptPack('a chunk does not match its hash', { chunk: i });
    }
    offset += length;
  }
}

/** Verifies a whole pack in memory; see `verifyPackStream`. */
export function verifyPack(bytes: Uint8Array, codecs: Codecs, expectedPackId?: Digest): VerifiedPackContents {
  if (bytes.length > packBlobBytesMax) throw corruptPack('it is over the limit', { length: bytes.length });
  const { footer: footerBytes } = readTail(bytes, bytes.length);
  if (footerBytes === undefined) throw corruptPack('its footer does not fit in it');
  if (!equalBytes(bytes.subarray(0, packHead.length), packHead)) throw corruptPack('it does not begin as a pack');
  const footer = decodeFooter(footerBytes, bytes.length);
  const packId = merkleRoot(footer.hashes);
  if (expectedPackId !== undefined && packId !== expectedPackId) {
    throw corruptPack('it is another pack than its name says', { packId, expectedPackId });
  }
  let plainBytes = 0;
  for (const frame of footer.frames) {
    verifyFrame(bytes, codecs, footer, frame);
    plainBytes += frame.rawLength;
  }
  const hashes = footer.hashes.slice() as DigestColumn;
  return { packId, storedBytes: bytes.length, plainBytes, hashes, places: placesOfPack(footer, packId) };
}

/** Gathers a stream that must have exactly `totalLength` bytes; stops reading at the first piece too many. */
async function gather(pieces: AsyncIterable<Uint8Array>, totalLength: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > totalLength) throw corruptPack('it is longer than it was said to be', { totalLength });
    parts.push(piece);
  }
  if (length !== totalLength) throw corruptPack('it is shorter than it was said to be', { length, totalLength });
  return concatBytes(...parts);
}

/**
 * Verifies a pack as it comes from storage: form, sums, every frame decoded under a cap, every chunk hashed, and the packId
 * compared when one is expected. Holds the blob (bounded, see above). Throws `corrupt` with the reason; an error of the
 * stream itself passes through, so that a failed read is never taken for a bad pack.
 */
export async function verifyPackStream(
  pieces: AsyncIterable<Uint8Array>,
  totalLength: number,
  codecs: Codecs,
  expectedPackId?: Digest,
): Promise<VerifiedPackContents> {
  if (totalLength > packBlobBytesMax) throw corruptPack('it is over the limit', { length: totalLength });
  return verifyPack(await gather(pieces, totalLength), codecs, expectedPackId);
}
