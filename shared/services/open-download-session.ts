/** Where chunks lie, as columns, with a read URL for each of their packs. */
import { TidemarkError } from '../core/errors.ts';
import { type Digest, columnDigestAt } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { DownloadSessionRequest, DownloadSessionResponse } from '../core/wire/download-session.ts';
import type { ChunkPlace } from '../ports/metadata-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import { concurrently } from './concurrently.ts';
import type { Needs } from './dependencies.ts';
import { missingChunks } from './missing-chunks.ts';
import { packBlobName } from './pack-name.ts';
import { serverTimeMs } from './server-time.ts';

/** URLs that are signed at once: signing may be a remote call. */
const signWidth = 16;

/**
 * URLs are for packs of this workspace only, because only its own chunk index is asked.
 * @throws TidemarkError `missing-chunks` when one of the hashes is not in the workspace; `malformed` when none is asked.
 */
export async function openDownloadSession(
  deps: Needs<'metadata' | 'blobs' | 'clock'>,
  input: { readonly caller: Caller; readonly request: DownloadSessionRequest },
): Promise<DownloadSessionResponse> {
  const { workspaceId, hashes } = input.request;
  await authorise(deps, input.caller, workspaceId, 'read');
  if (hashes.length === 0) throw new TidemarkError('malformed', 'no chunk is asked for', { data: { field: 'hashes' } });
  const found = await deps.metadata.chunks.lookUp(workspaceId, hashes);
  const missing: Digest[] = [];
  const places: ChunkPlace[] = [];
  for (const [i, place] of found.entries()) {
    if (place === undefined) missing.push(columnDigestAt(hashes, i));
    else places.push(place);
  }
  if (missing.length > 0) throw missingChunks(missing);
  const packOrder = new Map<Digest, number>();
  for (const { packId } of places) if (!packOrder.has(packId)) packOrder.set(packId, packOrder.size);
  const expiresMs = serverTimeMs(deps.clock) + limits.downloadUrlSeconds * 1_000;
  const packs = await concurrently([...packOrder.keys()], signWidth, async (packId) => {
    const name = packBlobName(workspaceId, packId);
    return { packId, url: await deps.blobs.readUrl('chunks', name, limits.downloadUrlSeconds) };
  });
  return {
    expiresMs,
    packs,
    pack: places.map((place) => packOrder.get(place.packId)!),
    frameOffset: places.map((place) => place.frameOffset),
    frameStored: places.map((place) => place.frameStored),
    frameRaw: places.map((place) => place.frameRaw),
    codec: places.map((place) => place.codec),
    offset: places.map((place) => place.offset),
    length: places.map((place) => place.length),
  };
}
