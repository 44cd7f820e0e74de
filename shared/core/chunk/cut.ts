/**
 * Where a chunk ends: FastCDC 2020 in plain TypeScript. It is the readable statement of what assembly/gear.ts
 * does five times faster, the oracle that tests hold it to, and what cuts where WebAssembly cannot be had.
 *
 * From `floor(min / 2)` pairs on, every byte enters the gear hash. The chunk ends before the first byte whose hash has
 * all bits of the mask zero. Up to the average size a mask with more bits rules (a cut is less likely), after it one
 * with fewer (more likely): sizes gather round the average. Without a hit the chunk is `max` bytes or the whole rest.
 *
 * Worked example, min 64, avg 256, max 1024, 10,240 zero bytes: the hash of a run of zeros settles at a value that
 * meets no mask, so there are ten chunks of 1,024 bytes. A rest of at most `min` bytes is one chunk and is not looked
 * at.
 */
import { gearTable, gearTableShifted, mustGetMask } from './gear.ts';

/** A 64-bit mask as two int32. */
export interface MaskWords {
  readonly high: number;
  readonly low: number;
}

/** Sizes in bytes, with the masks derived from them. Made by `cutParams` only. */
export interface CutParams {
  readonly minBytes: number;
  readonly avgBytes: number;
  readonly maxBytes: number;
  /** Rules up to the average size: more bits, so cuts are rarer. */
  readonly smallMask: MaskWords;
  /** Rules beyond it. */
  readonly largeMask: MaskWords;
}

function maskWords(mask: bigint): MaskWords {
  return { high: Number(BigInt.asIntN(32, mask >> 32n)), low: Number(BigInt.asIntN(32, mask)) };
}

/**
 * Parameters of the cut. `level` is FastCDC's normalization, 0 to 3: by how many bits a cut is rarer before the average
 * and likelier after it. Throws a RangeError unless 64 <= min <= avg <= max are integers and the masks exist.
 */
export function cutParams(minBytes: number, avgBytes: number, maxBytes: number, level: number): CutParams {
  const sizes = [minBytes, avgBytes, maxBytes];
  if (!sizes.every(Number.isSafeInteger) || minBytes < 64 || minBytes > avgBytes || avgBytes > maxBytes) {
    throw new RangeError('chunk sizes are integers with 64 <= min <= avg <= max');
  }
  const bits = Math.round(Math.log2(avgBytes));
  const smallMask = maskWords(mustGetMask(bits + level));
  const largeMask = maskWords(mustGetMask(bits - level));
  return { minBytes, avgBytes, maxBytes, smallMask, largeMask };
}

/**
 * The hash is kept in two int32: `low`, 24 bits, so that a sum's carry is one shift away, and `high`, the bits from 24
 * up. Bits above 55 fall off: no mask reads them, and carries only move up.
 */
const lowBits = 24;
const lowMask = 0xffffff;

function lowOf(word: bigint): number {
  return Number(word & 0xffffffn);
}

function highOf(word: bigint): number {
  return Number(BigInt.asIntN(32, word >> 24n));
}

const evenLow = Int32Array.from(gearTableShifted, lowOf);
const evenHigh = Int32Array.from(gearTableShifted, highOf);
const oddLow = Int32Array.from(gearTable, lowOf);
const oddHigh = Int32Array.from(gearTable, highOf);

/**
 * Length in bytes of the chunk that begins at `start`, when the input ends at `end` (0 <= start <= end <=
 * bytes.length). Fewer bytes than the rest of the input may be given if there are at least `maxBytes`: the answer is
 * the same.
 */
export function cutLength(params: CutParams, bytes: Uint8Array, start: number, end: number): number {
  const { minBytes, avgBytes, maxBytes } = params;
  const length = Math.min(end - start, maxBytes);
  if (end - start <= minBytes) return end - start;
  const center = start + (Math.min(avgBytes, length) & ~1);
  const last = start + (length & ~1);
  let mask = params.smallMask;
  let stop = center;
  let at = start + (minBytes & ~1);
  let low = 0;
  let high = 0;
  for (;;) {
    const maskLow = mask.low & lowMask;
    const maskHigh = (mask.high << 8) | (mask.low >>> 24);
    const evenMaskLow = (mask.low << 1) & lowMask;
    const evenMaskHigh = (mask.high << 9) | (mask.low >>> 23);
    for (; at < stop; at += 2) {
      const even = bytes[at]!;
      low = (low << 2) + evenLow[even]!;
      high = ((high << 2) + evenHigh[even]! + (low >>> lowBits)) | 0;
      if ((high & evenMaskHigh) === 0 && (low & evenMaskLow) === 0) return at - start;
      const odd = bytes[at + 1]!;
      low = (low & lowMask) + oddLow[odd]!;
      high = (high + oddHigh[odd]! + (low >>> lowBits)) | 0;
      if ((high & maskHigh) === 0 && (low & maskLow) === 0) return at + 1 - start;
      low &= lowMask;
    }
    if (stop === last) return length;
    mask = params.largeMask;
    stop = last;
  }
}
