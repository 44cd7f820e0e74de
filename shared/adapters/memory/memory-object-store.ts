import type { Digest, WorkspaceId } from '../../core/ids.ts';
import type { ObjectKind, ObjectStore } from '../../ports/metadata-store.ts';
import { WorkspaceRows } from './workspace-rows.ts';

/** Objects by workspace, kind and hash. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new WorkspaceRows<string, Uint8Array>();

  async getObjects(
    workspaceId: WorkspaceId,
    kind: ObjectKind,
    hashes: readonly Digest[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    return hashes.map((hash) => this.#objects.get(workspaceId, `${kind}/${hash}`)?.slice());
  }

  async putObjects(workspaceId: WorkspaceId, kind: ObjectKind, added: ReadonlyMap<Digest, Uint8Array>): Promise<void> {
    for (const [hash, bytes] of added) {
      const key = `${kind}/${hash}`;
      if (!this.#objects.has(workspaceId, key)) this.#objects.set(workspaceId, key, bytes.slice());
    }
  }

  /** Forgets at most `limit` objects; returns how many. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    return this.#objects.purge(workspaceId, limit);
  }
}
