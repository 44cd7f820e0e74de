/**
 * SHA-256, for those who know files by it elsewhere. Nothing in here is named by it: identity is BLAKE3. WebAssembly, some hundred
 * MB/s; an agent on Node takes the platform's, which is several times faster.
 */
import { createSHA256 } from 'hash-wasm';
import { type Digest, bytesToDigest } from '../ids.ts';

/** One hash: any number of `update`, then `digest` once. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  digest(): Digest;
}

export async function createSha256(): Promise<Sha256> {
  const hasher = await createSHA256();
  hasher.init();
  return {
    update: (bytes) => void hasher.update(bytes),
    digest: () => bytesToDigest(hasher.digest('binary')),
  };
}
