/** SHA-256 of stored content: the only way to know it is to read all of it, every chunk checked against its hash on the way. */
import { TidemarkError } from '../core/errors.ts';
import { type Sha256, createSha256 } from '../core/hash/sha256.ts';
import { type Digest, type WorkspaceId, columnBytesAt, columnDigestAt } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { sumOf } from '../core/manifest/segment.ts';
import { chunkOfFrame, decodeFrame } from '../core/pack/pack-reader.ts';
import type { ChunkPlace } from '../ports/metadata-store.ts';
import { lookUpChunks } from './chunk-lookup.ts';
import type { Needs } from './dependencies.ts';
import { missingChunks } from './missing-chunks.ts';
import { packBlobName } from './pack-name.ts';
import { mustReadChunkList } from './read-chunk-list.ts';

/** Stored bytes that one read of a pack asks for, but for a single larger frame. */
const readBytes = 4 * 1024 * 1024;

export interface ContentSha256 {
  readonly sha256: Digest;
  readonly bytes: number;
}

/**
 * Streams the file of this root from its packs; in memory are some megabytes of it, and 32 bytes for each chunk.
 * @throws TidemarkError `not-found` when the workspace has no such content; `too-large`, before anything is read, when it has more than
 * `bytesMax` bytes, or is so scattered that more than `contentFramesBytesMax` would be read; `missing-chunks` and `corrupt` when
 * storage is not what the index says.
 */
export async function contentSha256(
  deps: Needs<'metadata' | 'blobs' | 'codecs'>,
  workspaceId: WorkspaceId,
  root: Digest,
  bytesMax: number,
): Promise<ContentSha256> {
  const { hashes, lengths } = await mustReadChunkList(deps, workspaceId, root);
  const bytes = sumOf(lengths);
  if (bytes > bytesMax) {
    throw new TidemarkError('too-large', 'this file is too large for one request', { data: { bytes, bytesMax } });
  }
  const places: ChunkPlace[] = [];
  for (const [i, place] of (await lookUpChunks(deps, workspaceId, hashes)).entries()) {
    if (place === undefined) throw missingChunks([columnDigestAt(hashes, i)]);
    places.push(place);
  }
  const ends = runEnds(places);
  const hasher = await createSha256();
  let at = 0;
  for (const end of ends) {
    const from = at;
    await hashRun(deps, workspaceId, places.slice(from, end), (i) => columnBytesAt(hashes, from + i), hasher);
    at = end;
  }
  return { sha256: hasher.digest(), bytes };
}

/** Where each run of chunks ends that one read brings. Throws `too-large` when the reads of all would be too much work. */
function runEnds(places: readonly ChunkPlace[]): number[] {
  const { contentFramesBytesMax, contentReadBytesMin } = limits;
  const ends: number[] = [];
  let work = 0;
  for (let at = 0; at < places.length; at = ends.at(-1)!) {
    const end = runEnd(places, at);
    ends.push(end);
    work += Math.max(contentReadBytesMin, plainBytesOfRun(places, at, end));
    if (work > contentFramesBytesMax) {
      throw new TidemarkError('too-large', 'the chunks of this file are too scattered for one request', {
        data: { contentFramesBytesMax },
      });
    }
  }
  return ends;
}

/** Of its frames, each once. */
function plainBytesOfRun(places: readonly ChunkPlace[], from: number, end: number): number {
  let bytes = 0;
  for (let i = from; i < end; i++) {
    if (i === from || places[i]!.frameOffset !== places[i - 1]!.frameOffset) bytes += places[i]!.frameRaw;
  }
  return bytes;
}

/** The end of the chunks from `from` on that lie one after another in one pack, up to about `readBytes` of it. */
function runEnd(places: readonly ChunkPlace[], from: number): number {
  const first = places[from]!;
  let end = from + 1;
  for (; end < places.length; end++) {
    const [before, place] = [places[end - 1]!, places[end]!];
    const sameFrame = place.frameOffset === before.frameOffset;
    const nextFrame = place.frameOffset === before.frameOffset + before.frameStored;
    const within = place.frameOffset + place.frameStored - first.frameOffset <= readBytes;
    if (place.packId !== first.packId || !(sameFrame || (nextFrame && within))) break;
  }
  return end;
}

async function hashRun(
  deps: Needs<'blobs' | 'codecs'>,
  workspaceId: WorkspaceId,
  places: readonly ChunkPlace[],
  hashOf: (i: number) => Uint8Array,
  hasher: Sha256,
): Promise<void> {
  const [first, last] = [places[0]!, places.at(-1)!];
  const range = { from: first.frameOffset, to: last.frameOffset + last.frameStored };
  const stored = await deps.blobs.get('chunks', packBlobName(workspaceId, first.packId), range);
  if (stored?.length !== range.to - range.from) {
    throw new TidemarkError('corrupt', 'a pack is missing or shorter than it was', { data: { packId: first.packId } });
  }
  let frameOffset = -1;
  let plain: Uint8Array = stored;
  for (const [i, place] of places.entries()) {
    if (place.frameOffset !== frameOffset) {
      frameOffset = place.frameOffset;
      const at = frameOffset - range.from;
      plain = decodeFrame(deps.codecs, place.codec, stored.subarray(at, at + place.frameStored), place.frameRaw);
    }
    hasher.update(chunkOfFrame(plain, place.offset, place.length, hashOf(i)));
  }
}
