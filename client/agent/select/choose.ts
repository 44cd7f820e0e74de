/** Excluding and including: what the user chooses, written down. Nothing is removed or fetched here; the next sync does that. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';
import type { Journal } from '../journal/journal.ts';
import { pathOf } from '../journal/paths.ts';
import { selectTree } from './follow-selection.ts';
import { Selection } from './selection.ts';

/** Excluded nodes on one device: each is looked at in every sync. */
export const excludedMax = 10_000;
/** Changed files that are named when they stand in the way. */
const namedMax = 10;
const pageNodes = 4_096;

function remotePath({ trees }: Journal, nodeId: NodeId): string | undefined {
  return pathOf(nodeId, (id) => trees.getRemote(id));
}

/** The node at a path of the workspace. Throws `not-found`. */
export function mustFindNode({ listings }: Journal, path: string): NodeId {
  let nodeId: NodeId = rootNodeId;
  for (const name of path.split('/')) {
    const placed = listings.remoteAt({ parentId: nodeId, name });
    if (placed === undefined) {
      throw new TidemarkError(
        'not-found',
        `the workspace has no ${path}; what is only here is ignored by \`tide ignore\``,
        {
          data: { path },
        },
      );
    }
    nodeId = placed.entry.nodeId;
  }
  return nodeId;
}

function isUnder(nodeId: NodeId, top: NodeId, placeOf: (id: NodeId) => Place | undefined): boolean {
  let id = nodeId;
  for (let depth = 0; id !== rootNodeId && depth <= limits.treeDepthMax; depth++) {
    if (id === top) return true;
    const place = placeOf(id);
    if (place === undefined) return false;
    id = place.parentId;
  }
  return false;
}

/** Paths of what the user changed in a tree and the workspace does not have yet, as the last scan saw it. At most `namedMax` of them. */
function changesUnder(journal: Journal, top: NodeId): string[] {
  const { trees, listings } = journal;
  const paths: string[] = [];
  for (let after = ''; paths.length < namedMax;) {
    const ids = listings.localChanges(after, pageNodes);
    const last = ids.at(-1);
    if (last === undefined) break;
    after = last;
    for (const id of ids) {
      const isHere = isUnder(id, top, (each) => trees.getLocal(each));
      if (!isHere && !isUnder(id, top, (each) => trees.getSynced(each))) continue;
      const local = trees.getLocal(id);
      paths.push((local === undefined ? undefined : journal.localPath(local)) ?? remotePath(journal, id) ?? id);
    }
  }
  return paths.slice(0, namedMax);
}

export type Exclusion = 'excluded' | 'already-excluded';

/**
 * From now on this device is not to have a node of the workspace, nor anything that is ever under it. Durable when it returns; the
 * journal must have followed the workspace and the disk. Throws `conflict` when something under it is not synced yet.
 */
export function exclude(journal: Journal, nodeId: NodeId, path: string): Exclusion {
  const selection = new Selection(journal);
  if (selection.isUnwanted(nodeId)) return 'already-excluded';
  const changed = changesUnder(journal, nodeId);
  if (changed.length > 0) {
    const message = `${path} has changes that are not synced yet: ${changed.join(', ')}. Run \`tide sync\`, then exclude it`;
    throw new TidemarkError('conflict', message, { data: { path, changed } });
  }
  if (selection.excluded.size >= excludedMax) {
    throw new TidemarkError(
      'too-large',
      `this device excludes ${excludedMax} things already; exclude a folder of them`,
    );
  }
  journal.excluded.add(nodeId);
  return 'excluded';
}

/** Ends an exclusion. Returns how many nodes this device does not have, and is to have from now on. Throws `conflict` when a folder above is excluded. */
export function include(journal: Journal, nodeId: NodeId, path: string): number {
  return journal.transaction(() => {
    journal.excluded.remove(nodeId);
    const selection = new Selection(journal);
    if (selection.isUnwanted(nodeId)) {
      const above = mustFindExcludedAbove(journal, selection, nodeId);
      throw new TidemarkError('conflict', `${path} is in ${above}, which is excluded: include that`, {
        data: { path, excluded: above },
      });
    }
    return selectTree(journal, selection, nodeId);
  });
}

function mustFindExcludedAbove(journal: Journal, selection: Selection, nodeId: NodeId): string {
  const above = [...selection.excluded].find((id) => isUnder(nodeId, id, (each) => journal.trees.getRemote(each)));
  return (above === undefined ? undefined : remotePath(journal, above)) ?? '';
}

/** Paths in the workspace of what is excluded here, sorted. What the workspace has no more is left out. */
export function listExcluded(journal: Journal): string[] {
  return new Selection(journal)
    .excludedHere()
    .flatMap((id) => remotePath(journal, id) ?? [])
    .sort();
}
