/**
 * xxHash (https://xxhash.com): XXH64 and XXH3-128, at memory speed and not cryptographic. **A prefilter only.** A
 * 64-bit hash never decides that content is known: among 2^32 files two collide by chance, and anybody can make two
 * that collide. A different xxHash proves that a file changed; an equal one only says that comparing by BLAKE3 is worth
 * while. The seed is random per device, so that collisions made for one device do nothing on another.
 */
import { type IHasher, createXXHash128, createXXHash64 } from 'hash-wasm';

/** 64 bits as two unsigned 32-bit halves. */
export interface XxhashSeed {
  readonly low: number;
  readonly high: number;
}

/** One hash at a time: `init`, any number of `update`, `digest`. Reusable from `init` on. */
export interface Xxhasher {
  init(): void;
  update(bytes: Uint8Array): void;
  /** 8 bytes (XXH64) or 16 (XXH3-128), big-endian, which is xxHash's canonical form. */
  digest(): Uint8Array;
  /** All three at once. */
  hash(bytes: Uint8Array): Uint8Array;
}

function toXxhasher(hasher: IHasher): Xxhasher {
  return {
    init: () => void hasher.init(),
    update: (bytes) => void hasher.update(bytes),
    digest: () => hasher.digest('binary'),
    hash: (bytes) => hasher.init().update(bytes).digest('binary'),
  };
}

/** XXH64 under a seed: about 10 GB/s. */
export async function createXxh64(seed: XxhashSeed): Promise<Xxhasher> {
  return toXxhasher(await createXXHash64(seed.low, seed.high));
}

/** XXH3-128 under a seed: about 7 GB/s. */
export async function createXxh128(seed: XxhashSeed): Promise<Xxhasher> {
  return toXxhasher(await createXXHash128(seed.low, seed.high));
}
