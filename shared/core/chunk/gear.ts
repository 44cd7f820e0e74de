/**
 * The gear table and masks of FastCDC (W. Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking
 * Approach", USENIX ATC 2016, and "The Design of Fast Content-Defined Chunking", IEEE TPDS 2020).
 *
 * A gear hash is one 64-bit number: for each byte, shift left by one and add the byte's table entry. After 64 bytes an
 * old byte is shifted out, so the hash depends on the last 64 bytes only; the masks look at no bit above 47, so a cut
 * depends on at most 48. Table and masks are those of the public `fastcdc` crate (module v2020), so that any language's
 * port of it cuts where we cut.
 *
 * The table is computed, not copied: entry v is the first eight bytes, big-endian, of MD5 over 64 bytes of value v.
 * Worked example: MD5 over 64 zero bytes is 3b5d3c7d207e37dceeedd301e35e2e58, so entry 0 is 0x3b5d3c7d207e37dc.
 */
import { createMD5 } from 'hash-wasm';

const md5 = await createMD5();

function gearEntry(value: number): bigint {
  const digest = md5.init().update(new Uint8Array(64).fill(value)).digest('binary');
  return new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0);
}

/** Entry v is what byte v adds to the hash. */
export const gearTable: readonly bigint[] = Array.from({ length: 256 }, (_, value) => gearEntry(value));

/**
 * Entry v is `gearTable[v]` shifted left by one. The scan takes two bytes a step and shifts by two at once; the first
 * byte of the pair adds its entry from this table, and is tested with a mask shifted left by one as well.
 */
export const gearTableShifted: readonly bigint[] = gearTable.map((entry) => BigInt.asUintN(64, entry << 1n));

/** The masks for 5 to 25 bits: the more bits set, the rarer a cut. Spread out, so that the whole window takes part. */
const masks: readonly bigint[] = [
  0x1804110n,
  0x1803110n,
  0x18035100n,
  0x1800035300n,
  0x19000353000n,
  0x590003530000n,
  0xd90003530000n,
  0xd90103530000n,
  0xd90303530000n,
  0xd90313530000n,
  0xd90f03530000n,
  0xd90303537000n,
  0xd90703537000n,
  0xd90707537000n,
  0xd91707537000n,
  0xd91747537000n,
  0xd91767537000n,
  0xd93767537000n,
  0xd93777537000n,
  0xd93777577000n,
  0xdb3777577000n,
];
const firstMaskBits = 5;

/** The mask that a random hash meets about once in 2^bits positions. Throws a RangeError outside 5 to 25 bits. */
export function mustGetMask(bits: number): bigint {
  const mask = masks[bits - firstMaskBits];
  if (mask === undefined) throw new RangeError('FastCDC has masks for 5 to 25 bits');
  return mask;
}
