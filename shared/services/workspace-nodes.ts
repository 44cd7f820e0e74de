import type { Digest, WorkspaceId } from '../core/ids.ts';
import type { MapNode } from '../core/merkle/map-node.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { TidemarkError } from '../core/errors.ts';
import type { Needs } from './dependencies.ts';

/** Nodes kept by one source: about 64 MiB at some kilobytes each. Past it the cache starts anew. */
const cachedNodesMax = 16_384;
/** Decoded nodes kept beside their bytes: about 64 MiB of small views. */
const checkedNodesMax = 8_192;

/**
 * The nodes of a workspace's tree, from the object store. Nodes never change, so each is fetched once; made for one request
 * and thrown away with it. A node that a root refers to and the store has not is a fault of ours: `internal`.
 */
export function workspaceNodes(deps: Needs<'metadata'>, workspaceId: WorkspaceId): NodeSource {
  const cache = new Map<Digest, Uint8Array>();
  const checked = new Map<Digest, MapNode>();
  return {
    checked,
    async getNodes(hashes) {
      if (checked.size > checkedNodesMax) checked.clear();
      const unknown = hashes.filter((hash) => !cache.has(hash));
      const fetched = new Map<Digest, Uint8Array>();
      if (unknown.length > 0) {
        const found = await deps.metadata.objects.getObjects(workspaceId, 'node', unknown);
        for (const [i, hash] of unknown.entries()) {
          const bytes = found[i];
          if (bytes === undefined) {
            throw new TidemarkError('internal', 'a node of the tree is not in the store', { data: { node: hash } });
          }
          fetched.set(hash, bytes);
        }
      }
      const nodes = hashes.map((hash) => fetched.get(hash) ?? cache.get(hash));
      if (cache.size + fetched.size > cachedNodesMax) cache.clear();
      for (const [hash, bytes] of fetched) if (cache.size < cachedNodesMax) cache.set(hash, bytes);
      return nodes;
    },
  };
}
