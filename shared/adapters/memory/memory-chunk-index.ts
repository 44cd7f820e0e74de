import { type Digest, type DigestColumn, type WorkspaceId, columnToDigests } from '../../core/ids.ts';
import type { ChunkIndex, ChunkPlace, PackRecord, VerifiedPack } from '../../ports/metadata-store.ts';
import { checkVerifiedPack } from '../verified-pack.ts';
import { WorkspaceRows } from './workspace-rows.ts';

/** Which chunks each workspace has, and in which of its packs. */
export class MemoryChunkIndex implements ChunkIndex {
  readonly #places = new WorkspaceRows<Digest, ChunkPlace>();
  readonly #packs = new WorkspaceRows<Digest, PackRecord>();

  async lookUp(workspaceId: WorkspaceId, hashes: DigestColumn): Promise<readonly (ChunkPlace | undefined)[]> {
    return columnToDigests(hashes).map((hash) => this.#places.get(workspaceId, hash));
  }

  async record(workspaceId: WorkspaceId, pack: VerifiedPack, nowMs: number): Promise<void> {
    checkVerifiedPack(pack);
    const { packId, storedBytes, etag } = pack;
    this.#packs.set(workspaceId, packId, { packId, storedBytes, etag, recordedMs: nowMs });
    for (const [i, hash] of columnToDigests(pack.hashes).entries()) {
      if (this.#places.has(workspaceId, hash)) continue;
      this.#places.set(workspaceId, hash, Object.freeze({ ...pack.places[i]! }));
    }
  }

  async hasPacks(workspaceId: WorkspaceId, packs: DigestColumn): Promise<readonly boolean[]> {
    return columnToDigests(packs).map((packId) => this.#packs.has(workspaceId, packId));
  }

  async listPacks(workspaceId: WorkspaceId, after: Digest | null, limit: number): Promise<readonly PackRecord[]> {
    return [...this.#packs.entries(workspaceId)]
      .map(([, pack]) => pack)
      .filter((pack) => after === null || pack.packId > after)
      .sort((a, b) => (a.packId < b.packId ? -1 : 1))
      .slice(0, limit)
      .map((pack) => ({ ...pack }));
  }

  async forgetPack(workspaceId: WorkspaceId, packId: Digest): Promise<void> {
    this.#packs.delete(workspaceId, packId);
    for (const [hash, place] of this.#places.entries(workspaceId)) {
      if (place.packId === packId) this.#places.delete(workspaceId, hash);
    }
  }

  async usage(workspaceId: WorkspaceId): Promise<{ packs: number; chunks: number; storedBytes: number }> {
    let storedBytes = 0;
    for (const [, pack] of this.#packs.entries(workspaceId)) storedBytes += pack.storedBytes;
    return { packs: this.#packs.count(workspaceId), chunks: this.#places.count(workspaceId), storedBytes };
  }

  /** Forgets at most `limit` chunks and packs, chunks first; returns how many. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    const chunks = this.#places.purge(workspaceId, limit);
    return chunks + this.#packs.purge(workspaceId, limit - chunks);
  }
}
