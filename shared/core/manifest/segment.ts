/**
 * Segments: runs of a file's chunk list, stored under their own hash, so that the next version of a large file stores and
 * sends only the runs that changed. msgpack
 *
 *     [lengths, hashes]      lengths: n integers, bytes of each chunk; hashes: one bin of n * 32 bytes
 *
 * A segment ends after a chunk whose hash's last byte is zero (256 chunks on average) or at 4,096 chunks, or with the file.
 * Where segments end depends on the chunks alone, so an insertion moves no boundary but its own.
 *
 * Worked example, the one chunk "hello" of 5 bytes:
 *
 *     92 91 05                   [[5],
 *     c4 20 ea8f163d…4a67200f      BLAKE3("hello")]
 *
 * Its last byte is 0f, not 00, so more chunks of a file would follow in this segment.
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../errors.ts';
import { blake3Digest } from '../hash/blake3.ts';
import { type Digest, type DigestColumn, columnLength, digestBytes, parseDigestColumn } from '../ids.ts';
import { limits } from '../limits.ts';
import { decodeMsgpack } from '../msgpack.ts';

/** Chunks in order: their hashes, and the plain length of each in bytes. */
export interface ChunkList {
  readonly hashes: DigestColumn;
  readonly lengths: Uint32Array;
}

/** The error for a manifest or segment that is not of its form. */
export function malformedManifest(why: string, data: Readonly<Record<string, string | number>> = {}): TidemarkError {
  return new TidemarkError('malformed', `the manifest is not of its form: ${why}`, { data });
}

/** Whether the hash of chunk i ends a segment. */
function endsSegment(hashes: Uint8Array, i: number): boolean {
  return hashes[(i + 1) * digestBytes - 1] === 0;
}

/** The end (exclusive) of the segment that begins at chunk `start`. */
export function segmentEnd(hashes: DigestColumn, start: number): number {
  const last = Math.min(columnLength(hashes), start + limits.segmentChunksMax);
  for (let i = start; i < last; i++) if (endsSegment(hashes, i)) return i + 1;
  return last;
}

/** Bytes of all chunks together: exact, since 1,048,576 chunks of 4 MiB are far below 2^53. */
export function sumOf(lengths: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) sum += lengths[i]!;
  return sum;
}

/** The msgpack value of a segment, alone or inside a manifest. */
export function segmentValue(chunks: ChunkList): readonly [lengths: number[], hashes: Uint8Array] {
  return [Array.from(chunks.lengths), chunks.hashes];
}

/** The bytes of a segment and their BLAKE3, under which they are stored. */
export function encodeSegment(chunks: ChunkList): { readonly hash: Digest; readonly bytes: Uint8Array } {
  const bytes = encode(segmentValue(chunks)).slice();
  return { hash: blake3Digest(bytes), bytes };
}

/** The chunk list of a decoded segment, copied out of its message. Throws `malformed`. */
export function parseSegment(raw: unknown): ChunkList {
  if (!Array.isArray(raw) || raw.length !== 2) throw malformedManifest('a segment is [lengths, hashes]');
  const [lengths, hashes] = raw as unknown[];
  if (!Array.isArray(lengths) || !(hashes instanceof Uint8Array)) {
    throw malformedManifest('a segment is [lengths, hashes]');
  }
  const count = lengths.length;
  if (count < 1 || count > limits.segmentChunksMax || hashes.length !== count * digestBytes) {
    throw malformedManifest('a segment has 1 to 4,096 chunks, with a length and a hash each', { count });
  }
  const column = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const length: unknown = lengths[i];
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 1 || length > limits.chunkBytesMax) {
      throw malformedManifest('a chunk has 1 byte to 4 MiB', { chunk: i });
    }
    column[i] = length;
  }
  return { lengths: column, hashes: parseDigestColumn(hashes.slice()) };
}

/**
 * The chunks of a segment's bytes. Throws `corrupt` when the bytes are not those that `hash` names, `malformed` or
 * `too-large` when they are no segment. Whether it ends where it must is checked by `assembleManifest`.
 */
export function decodeSegment(hash: Digest, bytes: Uint8Array): ChunkList {
  if (bytes.length > limits.segmentBytesMax) throw new TidemarkError('too-large', 'the segment is over the limit');
  if (blake3Digest(bytes) !== hash) throw new TidemarkError('corrupt', 'a segment does not match its hash');
  return parseSegment(
    decodeMsgpack(bytes, { what: 'the segment', depthMax: 2, valuesMax: limits.segmentChunksMax + 8 }),
  );
}

/**
 * Throws `malformed` unless the segments end where their hashes say. `isLast` tells of the segment that ends the file,
 * which may end anywhere.
 */
export function checkBoundaries(chunks: ChunkList, isLast: boolean): void {
  const count = columnLength(chunks.hashes);
  if (segmentEnd(chunks.hashes, 0) !== count) throw malformedManifest('a segment goes on after its end');
  if (!isLast && count !== limits.segmentChunksMax && !endsSegment(chunks.hashes, count - 1)) {
    throw malformedManifest('a segment ends early');
  }
}
