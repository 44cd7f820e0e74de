import { createHash } from 'node:crypto';
import type { Sha256 } from '../../../shared/core/hash/sha256.ts';
import { bytesToDigest } from '../../../shared/core/ids.ts';

/** The platform's SHA-256: over a GB/s where the processor has instructions for it. */
export function createNodeSha256(): Sha256 {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => bytesToDigest(hash.digest()) };
}
