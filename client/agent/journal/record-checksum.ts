/**
 * The checksum of a record of the journal: XXH128 under no seed, as 32 hex digits. It finds torn and flipped bytes, and is no
 * protection from anybody who can write to the journal: who can do that can do all that the agent can.
 */
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { createXxh128 } from '../../../shared/core/hash/xxhash.ts';

const xxh128 = await createXxh128({ low: 0, high: 0 });
const checksumCharacters = 32;

export function recordChecksum(bytes: Uint8Array): string {
  return bytesToHex(xxh128.hash(bytes));
}

/** Whether a record's bytes are as they were when its checksum was computed. Earlier agents wrote BLAKE3, 64 hex digits. */
export function matchesChecksum(bytes: Uint8Array, checksum: string): boolean {
  return (checksum.length === checksumCharacters ? recordChecksum(bytes) : blake3Digest(bytes)) === checksum;
}
