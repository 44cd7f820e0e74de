import { type DigestColumn, type WorkspaceId, columnLength, digestBytes, parseDigestColumn } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { ChunkPlace } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';

/** Where each chunk lies, or undefined, in calls of at most `sessionChunksMax` hashes each, so that no call is unbounded. */
export async function lookUpChunks(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  hashes: DigestColumn,
): Promise<(ChunkPlace | undefined)[]> {
  const places: (ChunkPlace | undefined)[] = [];
  for (let from = 0; from < columnLength(hashes); from += limits.sessionChunksMax) {
    const part = parseDigestColumn(hashes.subarray(from * digestBytes, (from + limits.sessionChunksMax) * digestBytes));
    for (const place of await deps.metadata.chunks.lookUp(workspaceId, part)) places.push(place);
  }
  return places;
}
