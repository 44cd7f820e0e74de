/**
 * Manifests: the ordered chunk list of one file version, stored under its root. msgpack
 *
 *     [1, profileId, size, [[lengths, hashes]]]                   one segment: inline, an item of two
 *     [1, profileId, size, [[hash, chunks, bytes], …]]            two or more: listed, items of three
 *
 * `profileId` is how the file was cut (chunk/profiles.ts), kept so that its next version is cut the same way; `size` the
 * file's bytes; `hash` a segment's BLAKE3 (segment.ts), `chunks` and `bytes` what is in it. A file of at most one chunk
 * has no manifest: its root is that chunk's hash, or that of no bytes, and says it all.
 *
 * The root is the Merkle root over all chunk hashes, whatever the segments. It does not bind the lengths: those are
 * bound by the chunks themselves, whose bytes a reader hashes, and by the server against its verified index.
 *
 * Worked example, two chunks of 16,384 and 100 bytes, profile 1:
 *
 *     94 01 01 cd 40 64          [1, 1, 16484,
 *     91 92 92 cd 40 00 64         [[[16384, 100],
 *     c4 40 h0…h31 h0…h31             64 bytes of hashes]]]
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../errors.ts';
import { type Digest, type DigestColumn, bytesToDigest, columnLength, digestBytes, idToBytes } from '../ids.ts';
import { limits } from '../limits.ts';
import { merkleRoot } from '../merkle/tree.ts';
import { decodeMsgpack } from '../msgpack.ts';
import {
  type ChunkList,
  checkBoundaries,
  decodeSegment,
  encodeSegment,
  malformedManifest,
  parseSegment,
  segmentEnd,
  segmentValue,
  sumOf,
} from './segment.ts';

export { type ChunkList, decodeSegment } from './segment.ts';

export interface SegmentReference {
  readonly hash: Digest;
  readonly chunks: number;
  readonly bytes: number;
}

export interface Manifest {
  readonly profileId: number;
  readonly size: number;
  /** The whole chunk list, when it is one segment; otherwise null, and `segments` lists where it is. */
  readonly inline: ChunkList | null;
  readonly segments: readonly SegmentReference[];
}

export interface BuiltManifest {
  readonly root: Digest;
  readonly size: number;
  /** Null for a file of at most one chunk. */
  readonly manifest: Uint8Array | null;
  /** Bytes by segment hash; empty when the chunk list is inline or there is no manifest. */
  readonly segments: ReadonlyMap<Digest, Uint8Array>;
}

const manifestVersion = 1;
const profileIdMax = 255;

function slice(chunks: ChunkList, from: number, to: number): ChunkList {
  const hashes = chunks.hashes.subarray(from * digestBytes, to * digestBytes) as DigestColumn;
  return { hashes, lengths: chunks.lengths.subarray(from, to) };
}

function checkChunks(chunks: ChunkList): void {
  const count = columnLength(chunks.hashes);
  if (count !== chunks.lengths.length) throw malformedManifest('each chunk has a hash and a length');
  if (count > limits.manifestChunksMax) {
    throw new TidemarkError('too-large', 'the file has too many chunks', { data: { chunks: count } });
  }
  for (const length of chunks.lengths) {
    if (length < 1 || length > limits.chunkBytesMax) throw malformedManifest('a chunk has 1 byte to 4 MiB', { length });
  }
}

/**
 * Root, manifest and segments of a whole file. `profileId` 1 to 255. Throws `too-large` over 1,048,576 chunks, `malformed`
 * on lengths that no chunk has.
 */
export function buildManifest(profileId: number, chunks: ChunkList): BuiltManifest {
  if (!Number.isInteger(profileId) || profileId < 1 || profileId > profileIdMax) {
    throw malformedManifest('a profile id is 1 to 255');
  }
  checkChunks(chunks);
  const count = columnLength(chunks.hashes);
  const root = merkleRoot(chunks.hashes);
  const size = sumOf(chunks.lengths);
  const segments = new Map<Digest, Uint8Array>();
  if (count <= 1) return { root, size, manifest: null, segments };
  const head = [manifestVersion, profileId, size];
  if (segmentEnd(chunks.hashes, 0) === count) {
    return { root, size, manifest: encode([...head, [segmentValue(chunks)]]).slice(), segments };
  }
  const listed: unknown[] = [];
  for (let start = 0; start < count;) {
    const end = segmentEnd(chunks.hashes, start);
    const part = slice(chunks, start, end);
    const { hash, bytes } = encodeSegment(part);
    segments.set(hash, bytes);
    listed.push([idToBytes(hash), end - start, sumOf(part.lengths)]);
    start = end;
  }
  return { root, size, manifest: encode([...head, listed]).slice(), segments };
}

function integerOf(raw: unknown, name: string, min: number, max: number): number {
  if (typeof raw !== 'number' || !Number.isSafeInteger(raw) || raw < min || raw > max) {
    throw malformedManifest(`${name} is an integer from ${min} to ${max}`);
  }
  return raw;
}

function parseReference(raw: unknown): SegmentReference {
  if (!Array.isArray(raw) || raw.length !== 3) throw malformedManifest('a listed segment is [hash, chunks, bytes]');
  const [hash, chunks, bytes] = raw as unknown[];
  if (!(hash instanceof Uint8Array) || hash.length !== digestBytes) throw malformedManifest('a hash is 32 bytes');
  const chunkCount = integerOf(chunks, 'a number of chunks', 1, limits.segmentChunksMax);
  return {
    hash: bytesToDigest(hash),
    chunks: chunkCount,
    bytes: integerOf(bytes, 'the bytes of a segment', chunkCount, chunkCount * limits.chunkBytesMax),
  };
}

function checkReferences(segments: readonly SegmentReference[], size: number): void {
  let chunks = 0;
  let bytes = 0;
  for (const segment of segments) {
    chunks += segment.chunks;
    bytes += segment.bytes;
  }
  if (chunks > limits.manifestChunksMax) throw malformedManifest('it lists too many chunks', { chunks });
  if (bytes !== size) throw malformedManifest('its segments do not add up to its size', { bytes, size });
}

/**
 * A manifest's bytes, which may come from anyone. Sums and caps are checked, an inline chunk list whole. Throws
 * `malformed`, `too-large`, or `unsupported` for a later version.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > limits.manifestBytesMax) throw new TidemarkError('too-large', 'the manifest is over the limit');
  const valuesMax = 16 + 4 * limits.manifestChunksMax;
  const raw = decodeMsgpack(bytes, { what: 'the manifest', depthMax: 4, valuesMax });
  if (!Array.isArray(raw) || raw.length < 1) throw malformedManifest('it is not an array');
  const [version, rawProfile, rawSize, items] = raw as unknown[];
  if (version !== manifestVersion) {
    throw new TidemarkError('unsupported', 'the manifest is of a version that this side does not know');
  }
  if (raw.length !== 4 || !Array.isArray(items) || items.length < 1) throw malformedManifest('it has four fields');
  const profileId = integerOf(rawProfile, 'a profile id', 1, profileIdMax);
  const size = integerOf(rawSize, 'a size', 1, limits.fileBytesMax);
  if (items.length > 1) {
    const segments = items.map(parseReference);
    checkReferences(segments, size);
    return { profileId, size, inline: null, segments };
  }
  const inline = parseSegment(items[0]);
  if (inline.lengths.length < 2) throw malformedManifest('a file of one chunk has no manifest');
  checkBoundaries(inline, true);
  if (sumOf(inline.lengths) !== size) throw malformedManifest('its chunks do not add up to its size', { size });
  return { profileId, size, inline, segments: [] };
}

/** Number of chunks of the file. */
export function chunksOfManifest(manifest: Manifest): number {
  if (manifest.inline !== null) return manifest.inline.lengths.length;
  return manifest.segments.reduce((sum, segment) => sum + segment.chunks, 0);
}

function gatherSegments(manifest: Manifest, segmentBytes: (hash: Digest) => Uint8Array | undefined): ChunkList {
  const count = chunksOfManifest(manifest);
  const hashes = new Uint8Array(count * digestBytes);
  const lengths = new Uint32Array(count);
  let at = 0;
  for (const [i, segment] of manifest.segments.entries()) {
    const bytes = segmentBytes(segment.hash);
    if (bytes === undefined) {
      throw new TidemarkError('missing-chunks', 'a segment of the manifest is missing', {
        data: { segment: segment.hash },
      });
    }
    const part = decodeSegment(segment.hash, bytes);
    if (part.lengths.length !== segment.chunks || sumOf(part.lengths) !== segment.bytes) {
      throw malformedManifest('a segment does not hold what the manifest says of it', { segment: segment.hash });
    }
    checkBoundaries(part, i === manifest.segments.length - 1);
    hashes.set(part.hashes, at * digestBytes);
    lengths.set(part.lengths, at);
    at += segment.chunks;
  }
  return { hashes: hashes as DigestColumn, lengths };
}

/**
 * The whole chunk list. Every segment is checked against its hash, its place in the manifest and the rule of boundaries,
 * and the list against the root. Throws `missing-chunks` when a segment is not to be had, `corrupt` when the root or a
 * segment's hash does not match, `malformed` otherwise.
 */
export function assembleManifest(
  root: Digest,
  manifest: Manifest,
  segmentBytes: (hash: Digest) => Uint8Array | undefined,
): ChunkList {
  const chunks = manifest.inline ?? gatherSegments(manifest, segmentBytes);
  if (merkleRoot(chunks.hashes) !== root) {
    throw new TidemarkError('corrupt', 'the manifest is not the one that its root names', { data: { root } });
  }
  return chunks;
}
