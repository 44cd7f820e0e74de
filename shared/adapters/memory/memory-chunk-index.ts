import { type Digest, type DigestColumn, type WorkspaceId, columnToDigests } from '../../core/ids.ts';
import type { ChunkIndex, ChunkPlace, VerifiedPack } from '../../ports/metadata-store.ts';
import { checkVerifiedPack } from '../verified-pack.ts';

/** Which chunks each workspace has, and in which of its packs. */
export class MemoryChunkIndex implements ChunkIndex {
  readonly #places = new Map<WorkspaceId, Map<Digest, ChunkPlace>>();
  readonly #packs = new Map<WorkspaceId, Set<Digest>>();

  async lookUp(workspaceId: WorkspaceId, hashes: DigestColumn): Promise<readonly (ChunkPlace | undefined)[]> {
    const places = this.#places.get(workspaceId);
    return columnToDigests(hashes).map((hash) => places?.get(hash));
  }

  async record(workspaceId: WorkspaceId, pack: VerifiedPack, _nowMs: number): Promise<void> {
    checkVerifiedPack(pack);
    const packs = this.#packs.get(workspaceId) ?? new Set();
    const places = this.#places.get(workspaceId) ?? new Map<Digest, ChunkPlace>();
    this.#packs.set(workspaceId, packs.add(pack.packId));
    this.#places.set(workspaceId, places);
    for (const [i, hash] of columnToDigests(pack.hashes).entries()) {
      if (!places.has(hash)) places.set(hash, Object.freeze({ ...pack.places[i]! }));
    }
  }

  async hasPacks(workspaceId: WorkspaceId, packs: DigestColumn): Promise<readonly boolean[]> {
    const known = this.#packs.get(workspaceId);
    return columnToDigests(packs).map((packId) => known?.has(packId) ?? false);
  }
}
