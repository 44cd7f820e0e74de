/**
 * POST /tree/sync: the Merkle exchange. Without hashes: the head and the bytes of its root node. With hashes of nodes: their bytes.
 * A client that has an older tree asks, level by level, only for nodes that it does not hold, so it reaches the head in as many
 * nodes as have changed, and at most as many rounds as the map has levels (core/merkle/map-sync).
 */
import { limits } from '../limits.ts';
import { type ValueOf, bytes, digest, digestColumn, integer, list, message, optional, workspaceId } from './schema.ts';
import { signedHead } from './commit.ts';

export const treeSyncRequest = message('TreeSyncRequest', {
  workspaceId,
  hashes: digestColumn(limits.treeSyncNodesMax),
});
export type TreeSyncRequest = ValueOf<typeof treeSyncRequest>;

/**
 * `head` is null before the first commit. `nodes[i]` is node i of those that were asked for (the head's root node when none was),
 * null when the workspace has no such node. At most about `treeSyncBytes`, one node at least: what is left off at the end is asked
 * for again.
 */
export const treeSyncResponse = message('TreeSyncResponse', {
  seq: integer(),
  root: digest,
  head: optional(signedHead),
  nodes: list(
    optional(bytes(limits.mapNodeItemsMax * (limits.mapKeyBytesMax + limits.mapValueBytesMax))),
    limits.treeSyncNodesMax,
  ),
});
export type TreeSyncResponse = ValueOf<typeof treeSyncResponse>;
