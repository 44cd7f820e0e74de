import type { Digest, WorkspaceId } from '../../core/ids.ts';
import type { ObjectKind, ObjectStore } from '../../ports/metadata-store.ts';

/** Objects by workspace, kind and hash. */
export function createMemoryObjectStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  const keyOf = (workspaceId: WorkspaceId, kind: ObjectKind, hash: Digest): string => `${workspaceId}/${kind}/${hash}`;
  return {
    getObjects: async (workspaceId, kind, hashes) =>
      hashes.map((hash) => objects.get(keyOf(workspaceId, kind, hash))?.slice()),
    putObjects: async (workspaceId, kind, added) => {
      for (const [hash, bytes] of added) {
        const key = keyOf(workspaceId, kind, hash);
        if (!objects.has(key)) objects.set(key, bytes.slice());
      }
    },
  };
}
