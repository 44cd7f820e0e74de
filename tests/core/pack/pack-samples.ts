/** Chunks for the tests of packs: text that compresses, noise that does not, the same for the same seed. */
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { concatBytes, utf8 } from '../../../shared/core/bytes.ts';
import { type DigestColumn, parseDigestColumn } from '../../../shared/core/ids.ts';

/** Noise by a 32-bit xorshift (Marsaglia, 2003). */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

const words = 'the quick brown fox jumps over a lazy dog and files keep their bytes on every device '.split(' ');

/** Text of words in a random order: LZ4 about halves it. */
export function prose(length: number, seed: number): Uint8Array {
  const picks = noise(Math.ceil(length / 2) + 1, seed);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let i = 0; at < length; i++) {
    const word = utf8(`${words[picks[i]! % words.length]!} `).subarray(0, length - at);
    bytes.set(word, at);
    at += word.length;
  }
  return bytes;
}

export interface Chunks {
  readonly hashes: DigestColumn;
  readonly plain: readonly Uint8Array[];
}

export function chunksOf(plain: readonly Uint8Array[]): Chunks {
  return { hashes: parseDigestColumn(concatBytes(...plain.map(blake3))), plain };
}

/** Bytes in pieces of some size. */
export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
