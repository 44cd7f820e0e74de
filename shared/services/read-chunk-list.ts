import { emptyBytes } from '../core/bytes.ts';
import { TidemarkError } from '../core/errors.ts';
import { blake3Digest } from '../core/hash/blake3.ts';
import { type Digest, type WorkspaceId, digestsToColumn, parseDigestColumn } from '../core/ids.ts';
import { assembleManifest, decodeManifest } from '../core/manifest/manifest.ts';
import type { ChunkList } from '../core/manifest/segment.ts';
import type { Needs } from './dependencies.ts';

const emptyRoot: Digest = blake3Digest(emptyBytes);

/** Segments fetched at once: at most 16 MiB. */
const fetchedMax = 64;

/**
 * The chunks of a file by its root, checked against it: none for the empty file, the root itself for a chunk of the workspace, else
 * those of its manifest. Undefined when the workspace has no such file.
 * @throws TidemarkError `missing-chunks` when the manifest is there and a segment of it is not.
 */
export async function readChunkList(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  root: Digest,
): Promise<ChunkList | undefined> {
  if (root === emptyRoot) return { hashes: parseDigestColumn(emptyBytes), lengths: new Uint32Array(0) };
  const { objects, chunks } = deps.metadata;
  const [bytes] = await objects.getObjects(workspaceId, 'manifest', [root]);
  if (bytes === undefined) {
    const hashes = digestsToColumn([root]);
    const [place] = await chunks.lookUp(workspaceId, hashes);
    return place === undefined ? undefined : { hashes, lengths: Uint32Array.of(place.length) };
  }
  const manifest = decodeManifest(bytes);
  const segments = new Map<Digest, Uint8Array>();
  for (let from = 0; from < manifest.segments.length; from += fetchedMax) {
    const part = manifest.segments.slice(from, from + fetchedMax).map(({ hash }) => hash);
    const found = await objects.getObjects(workspaceId, 'segment', part);
    for (const [i, hash] of part.entries()) if (found[i] !== undefined) segments.set(hash, found[i]);
  }
  return assembleManifest(root, manifest, (hash) => segments.get(hash));
}

export async function mustReadChunkList(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  root: Digest,
): Promise<ChunkList> {
  const list = await readChunkList(deps, workspaceId, root);
  if (list === undefined) {
    throw new TidemarkError('not-found', 'there is no such content in the workspace', { data: { root } });
  }
  return list;
}
