import { createCipheriv, createHash } from 'node:crypto';

/**
 * Bytes that look random and depend on the seed only: zeros under AES-128-CTR keyed by the seed. Gigabytes a second.
 */
export function randomBytesOf(seed: string, length: number): Uint8Array {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  return new Uint8Array(createCipheriv('aes-128-ctr', key, new Uint8Array(16)).update(new Uint8Array(length)));
}

/** The data of vectors/fastcdc.json: block i is SHA-256 of "<seed>:<i>". Reproducible in any language, and slow. */
export function vectorBytesOf(seed: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, i = 0; at < length; at += 32, i++) {
    const block = createHash('sha256').update(`${seed}:${i}`).digest();
    bytes.set(block.subarray(0, Math.min(32, length - at)), at);
  }
  return bytes;
}
