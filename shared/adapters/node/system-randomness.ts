import { randomBytes } from 'node:crypto';
import type { Randomness } from '../../ports/randomness.ts';

/** The system's cryptographically secure generator. */
export const systemRandomness: Randomness = {
  // A copy: small Buffers share one pool, and whoever gets these bytes may keep or transfer them.
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
