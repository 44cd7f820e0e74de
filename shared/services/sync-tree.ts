import { columnToDigests } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { emptyMapNode, emptyMapRoot } from '../core/merkle/map-node.ts';
import type { TreeSyncRequest, TreeSyncResponse } from '../core/wire/tree-sync.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { mustGetHead } from './must-get-head.ts';
import { readSignedHead } from './signed-heads.ts';

/** Nodes asked of the store at once: about a megabyte. */
const fetchedMax = 256;

/**
 * The head, and the nodes that are asked for; its root node when none is. About `treeSyncBytes` of them, one at least: what does not
 * fit is left off at the end. Nodes of all trees that the workspace ever had are answered, since members may read them all.
 */
export async function syncTree(
  deps: Needs<'metadata' | 'blobs'>,
  input: { readonly caller: Caller; readonly request: TreeSyncRequest },
): Promise<TreeSyncResponse> {
  const { workspaceId, hashes } = input.request;
  await authorise(deps, input.caller, workspaceId, 'read');
  const head = await mustGetHead(deps, workspaceId);
  const wanted = hashes.length === 0 ? [head.root] : columnToDigests(hashes);
  const nodes: (Uint8Array | null)[] = [];
  let bytes = 0;
  for (let from = 0, full = false; from < wanted.length && !full; from += fetchedMax) {
    const part = wanted.slice(from, from + fetchedMax);
    const found = await deps.metadata.objects.getObjects(workspaceId, 'node', part);
    for (const [i, hash] of part.entries()) {
      // The empty map's node is stored nowhere: everybody knows it.
      const node = hash === emptyMapRoot ? emptyMapNode : (found[i] ?? null);
      full = nodes.length > 0 && bytes + (node?.length ?? 0) > limits.treeSyncBytes;
      if (full) break;
      bytes += node?.length ?? 0;
      nodes.push(node);
    }
  }
  return { seq: head.seq, root: head.root, head: await readSignedHead(deps, workspaceId, head), nodes };
}
