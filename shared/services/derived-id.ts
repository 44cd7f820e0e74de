/**
 * Ids that follow from who asks and a token of theirs, so that a repeated request makes nothing twice, and nobody can aim at
 * an id of somebody else: the first 16 bytes of BLAKE3(msgpack [purpose, userId, token]).
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../core/errors.ts';
import { blake3 } from '../core/hash/blake3.ts';
import { type UserId, idBytes } from '../core/ids.ts';

/** 16 bytes. Throws `malformed` unless the token is 16 bytes: a shorter one could be guessed or repeat by accident. */
export function derivedIdBytes(purpose: string, userId: UserId, token: Uint8Array): Uint8Array {
  if (token.length !== idBytes) {
    throw new TidemarkError('malformed', 'token must be 16 random bytes', { data: { field: 'token' } });
  }
  return blake3(encode([purpose, userId, token])).subarray(0, idBytes);
}
