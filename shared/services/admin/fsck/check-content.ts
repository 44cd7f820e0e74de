/** What files are made of: their manifests and segments, and each of their chunks in the index, in a pack that is recorded. */
import { isTidemarkError } from '../../../core/errors.ts';
import { type Digest, columnDigestAt, digestsToColumn } from '../../../core/ids.ts';
import { limits } from '../../../core/limits.ts';
import { type Manifest, assembleManifest, decodeManifest } from '../../../core/manifest/manifest.ts';
import type { ChunkList } from '../../../core/manifest/segment.ts';
import { decodeEntry } from '../../../core/tree/entry.ts';
import type { ChunkPlace } from '../../../ports/metadata-store.ts';
import { lookUpChunks } from '../../chunk-lookup.ts';
import type { Check } from './finding.ts';

/** A file's content by its root, and its size in bytes. */
export interface FileContent {
  readonly root: Digest;
  readonly size: number;
}

/** The file of an entry's bytes: none, or one. Throws `malformed` on bytes that are no entry. */
export function fileOfEntry(bytes: Uint8Array): readonly FileContent[] {
  const entry = decodeEntry(bytes);
  return entry.kind === 'file' && entry.size > 0 ? [{ root: entry.content, size: entry.size }] : [];
}

/** Manifests and segments fetched at once. */
const fetchedMax = 64;

/** Checks each content once. One manifest is held at a time. */
export async function checkFiles(check: Check, files: readonly FileContent[]): Promise<void> {
  const { deps, workspaceId } = check;
  const sizes = new Map(files.map(({ root, size }) => [root, size]));
  const roots = [...sizes.keys()];
  const places = await lookUpChunks(deps, workspaceId, digestsToColumn(roots));
  await checkPlaces(check, places);
  const listed: Digest[] = [];
  for (const [i, root] of roots.entries()) {
    const place = places[i];
    if (place === undefined) listed.push(root);
    else if (place.length !== sizes.get(root))
      check.find('index-wrong', root, 'a file has another size than its one chunk');
  }
  for (let from = 0; from < listed.length; from += fetchedMax) {
    const part = listed.slice(from, from + fetchedMax);
    const manifests = await deps.metadata.objects.getObjects(workspaceId, 'manifest', part);
    for (const [i, root] of part.entries()) await checkListed(check, root, sizes.get(root)!, manifests[i]);
  }
}

async function checkListed(check: Check, root: Digest, size: number, bytes: Uint8Array | undefined): Promise<void> {
  if (bytes === undefined) {
    if (size > limits.chunkBytesMax) check.find('missing-manifest', root, 'the manifest of a file is missing');
    else
      check.find('missing-chunk', root, 'the content of a file is neither a chunk in the index nor has it a manifest');
    return;
  }
  const chunks = await readChunks(check, root, size, bytes);
  if (chunks === undefined) return;
  const places = await lookUpChunks(check.deps, check.workspaceId, chunks.hashes);
  const missing = places.flatMap((place, i) => (place === undefined ? [i] : []));
  if (missing.length > 0) {
    const first = columnDigestAt(chunks.hashes, missing[0]!);
    check.find('missing-chunk', first, `${missing.length} chunks of the content ${root} are not in the index`);
  }
  for (const [i, place] of places.entries()) {
    if (place === undefined || place.length === chunks.lengths[i]) continue;
    check.find('index-wrong', columnDigestAt(chunks.hashes, i), 'a chunk has another length than its manifest says');
  }
  await checkPlaces(check, places);
}

/** The chunk list of a manifest's bytes; undefined, and noted, when they or a segment of theirs are not what they should be. */
async function readChunks(check: Check, root: Digest, size: number, bytes: Uint8Array): Promise<ChunkList | undefined> {
  try {
    const manifest = decodeManifest(bytes);
    if (manifest.size !== size) {
      check.find('missing-manifest', root, 'the manifest of a file is of another size');
      return undefined;
    }
    const segments = await readSegments(check, manifest);
    return segments && assembleManifest(root, manifest, (hash) => segments.get(hash));
  } catch (error) {
    if (!isTidemarkError(error) || error.retryable) throw error;
    const segment: unknown = error.data['segment'];
    check.find('missing-manifest', typeof segment === 'string' ? segment : root, error.message);
    return undefined;
  }
}

async function readSegments(check: Check, manifest: Manifest): Promise<ReadonlyMap<Digest, Uint8Array> | undefined> {
  const { deps, workspaceId } = check;
  const segments = new Map<Digest, Uint8Array>();
  const wanted = [...new Set(manifest.segments.map(({ hash }) => hash))];
  for (let from = 0; from < wanted.length; from += fetchedMax) {
    const part = wanted.slice(from, from + fetchedMax);
    const found = await deps.metadata.objects.getObjects(workspaceId, 'segment', part);
    for (const [i, hash] of part.entries()) {
      if (found[i] !== undefined) segments.set(hash, found[i]);
      else check.find('missing-manifest', hash, 'a segment of a manifest is missing');
    }
  }
  return segments.size === wanted.length ? segments : undefined;
}

/** Each place is in a pack that is recorded. Whether that pack's blob is there is asked pack by pack (check-packs.ts). */
async function checkPlaces(check: Check, places: readonly (ChunkPlace | undefined)[]): Promise<void> {
  const packs = [...new Set(places.flatMap((place) => (place === undefined ? [] : [place.packId])))];
  for (let from = 0; from < packs.length; from += limits.sessionChunksMax) {
    const part = packs.slice(from, from + limits.sessionChunksMax);
    const recorded = await check.deps.metadata.chunks.hasPacks(check.workspaceId, digestsToColumn(part));
    for (const [i, packId] of part.entries()) {
      if (recorded[i] !== true)
        check.find('index-wrong', packId, 'chunks have their place in a pack that is not recorded');
    }
  }
}
