/**
 * Whether compressing some bytes is worth trying, from a small part of them. Photos, films and archives are most of what
 * people sync, and compressing them is all cost.
 *
 * Two kinds of redundancy are looked for in a sample of four runs spread over the input: repetition, by LZ4, and an uneven
 * spread of byte values (base64, numbers), by Shannon's entropy, which LZ4 cannot see but zstd uses. A wrong answer costs
 * time or space, never bytes.
 */
import type { Codec } from './codecs.ts';

/** Below this, compressing costs less than asking. */
const probeBytesMin = 16 * 1024;
const runs = 4;
const runBytes = 2 * 1024;
/** Bits a byte of random bytes in a sample of 8 KiB measure 7.977; a saving of a sixteenth is at 7.5. */
const entropyBitsMax = 7.8;

/** Runs from the start, the middle and the end: file formats often begin with a header that tells nothing of the rest. */
function takeSample(bytes: Uint8Array): Uint8Array {
  const sample = new Uint8Array(runs * runBytes);
  for (let i = 0; i < runs; i++) {
    const at = Math.floor((i * (bytes.length - runBytes)) / (runs - 1));
    sample.set(bytes.subarray(at, at + runBytes), i * runBytes);
  }
  return sample;
}

/** Shannon's entropy of the byte values, in bits a byte. */
export function entropyBits(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++;
  let sum = 0;
  for (const count of counts) if (count > 0) sum += count * Math.log2(count);
  return bytes.length === 0 ? 0 : Math.log2(bytes.length) - sum / bytes.length;
}

/** Whether to try; true for anything below 16 KiB. Looks at 8 KiB, whatever the length. */
export function looksCompressible(bytes: Uint8Array, lz4: Codec): boolean {
  if (bytes.length < probeBytesMin) return true;
  const sample = takeSample(bytes);
  if (entropyBits(sample) < entropyBitsMax) return true;
  return lz4.compress(sample).length < sample.length - sample.length / 32;
}
