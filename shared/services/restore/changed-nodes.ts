import { TidemarkError } from '../../core/errors.ts';
import type { Digest, NodeId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import { mapDiff } from '../../core/merkle/map-diff.ts';
import type { NodeSource } from '../../core/merkle/node-source.ts';
import { decodeEntry } from '../../core/tree/entry.ts';
import { entryKeyToPlace, isEntryKey } from '../../core/tree/keys.ts';
import type { StandingNode } from '../tree-view.ts';

/** One node in two trees; undefined where it is not in the tree. */
export interface ChangedNode {
  readonly was: StandingNode | undefined;
  readonly now: StandingNode | undefined;
}

/**
 * Every node whose place or entry differs between two trees, in time proportional to the difference. A folder that moved is
 * here, what stayed in it is not.
 * @throws TidemarkError `too-large` over `restoreNodesMax` nodes.
 */
export async function findChangedNodes(
  source: NodeSource,
  was: Digest,
  now: Digest,
): Promise<ReadonlyMap<NodeId, ChangedNode>> {
  const changed = new Map<NodeId, ChangedNode>();
  const none: ChangedNode = { was: undefined, now: undefined };
  for await (const { key, before, after } of mapDiff(source, was, now)) {
    if (!isEntryKey(key)) continue;
    const place = entryKeyToPlace(key);
    if (before !== undefined) {
      const entry = decodeEntry(before);
      changed.set(entry.nodeId, { ...(changed.get(entry.nodeId) ?? none), was: { place, entry } });
    }
    if (after !== undefined) {
      const entry = decodeEntry(after);
      changed.set(entry.nodeId, { ...(changed.get(entry.nodeId) ?? none), now: { place, entry } });
    }
    if (changed.size > limits.restoreNodesMax) {
      throw new TidemarkError(
        'too-large',
        'too much has changed since to be restored at once: restore folder by folder',
        {
          data: { restoreNodesMax: limits.restoreNodesMax },
        },
      );
    }
  }
  return changed;
}
