/**
 * The parts of a pack that never change, and what they bound.
 *
 *     "TMPACK01"                     8 bytes
 *     frames                         one after another, without gaps
 *     footer                         msgpack, see pack-footer.ts
 *     u32le length of the footer     4 bytes
 *     "TMPACKED"                     8 bytes
 *
 * A frame is a run of consecutive chunks compressed together: of at most 256 KiB of plain bytes, or a single larger chunk.
 * Worked example: a pack of the one chunk "hello", stored raw, is
 *
 *     54 4d 50 41 43 4b 30 31                         TMPACK01
 *     68 65 6c 6c 6f                                  hello
 *     96 01 c4 20 ea8f…200f 91 05 91 01 91 05 91 00   [1, hashes, [5], [1], [5], [0]]
 *     2c 00 00 00                                     44
 *     54 4d 50 41 43 4b 45 44                         TMPACKED
 *
 * and its packId is BLAKE3("hello") = ea8f…200f, since the Merkle root over one hash is that hash.
 */
import { utf8 } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';

export const packHead: Uint8Array = utf8('TMPACK01');
export const packEnd: Uint8Array = utf8('TMPACKED');
/** The footer's length and the end mark: the last 12 bytes of a pack. */
export const packTailBytes: number = 4 + packEnd.length;

/** No pack is longer: what a verifier may have to hold. */
export const packBlobBytesMax: number =
  packHead.length + limits.packBytesMax + limits.packFooterBytesMax + packTailBytes;

/** The error for a pack whose bytes are not what they should be. */
export function corruptPack(why: string, data: Readonly<Record<string, string | number>> = {}): TidemarkError {
  return new TidemarkError('corrupt', `the pack is not sound: ${why}`, { data });
}
