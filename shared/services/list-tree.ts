import { TidemarkError } from '../core/errors.ts';
import { type Digest, type NodeId, type WorkspaceId, rootNodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { mapGet, mapScan } from '../core/merkle/map-read.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { type Entry, decodeEntry } from '../core/tree/entry.ts';
import { entryKey, entryKeyToPlace, folderPrefix } from '../core/tree/keys.ts';
import type { TreeListing } from '../core/wire/tree-listing.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { mustGetHead } from './must-get-head.ts';
import { type HistoryPoint, findTreeAt } from './tree-at.ts';
import { workspaceNodes } from './workspace-nodes.ts';

/**
 * What a folder holds at the head, or held at a point before, by name in the order of UTF-8 bytes, one page. `path` has its
 * names separated by `/`; the root is the empty path. `after` is a name, the last page's `next`; it need not exist any more.
 * Pages of the head may be of different heads: whoever wants one tree asks for it by its seq.
 * @throws TidemarkError `not-found` when there is no folder at the path, or no such point.
 */
export async function listTree(
  deps: Needs<'metadata' | 'blobs'>,
  input: {
    readonly caller: Caller;
    readonly workspaceId: WorkspaceId;
    readonly path: string;
    readonly after: string | null;
    /** Null: the head. */
    readonly at: HistoryPoint | null;
  },
): Promise<TreeListing> {
  const { workspaceId, after, at } = input;
  await authorise(deps, input.caller, workspaceId, 'read');
  const head = await mustGetHead(deps, workspaceId);
  const nodes = workspaceNodes(deps, workspaceId);
  const { seq, root } = at === null ? head : await findTreeAt(deps, workspaceId, head, at);
  const folderId = await findFolder(nodes, root, input.path);
  const items: TreeListing['items'][number][] = [];
  const from = after === null ? {} : { after: entryKey({ parentId: folderId, name: after }) };
  let more = false;
  for await (const [key, entry] of mapScan(nodes, root, { prefix: folderPrefix(folderId), ...from })) {
    more = items.length === limits.treePageEntriesMax;
    if (more) break;
    items.push({ name: entryKeyToPlace(key).name, entry });
  }
  return { seq, root, folderId, items, next: more ? items.at(-1)!.name : null };
}

async function findFolder(nodes: NodeSource, root: Digest, path: string): Promise<NodeId> {
  const folder = await descend(nodes, root, path);
  if (folder?.kind !== 'folder') {
    throw new TidemarkError('not-found', 'there is no such folder in the workspace');
  }
  return folder.nodeId;
}

/** The node at a path; undefined when there is none. The empty path is the root's. */
export async function findNodeAtPath(nodes: NodeSource, root: Digest, path: string): Promise<NodeId | undefined> {
  return (await descend(nodes, root, path))?.nodeId;
}

/** Goes down component by component. Empty components (a leading, trailing or double slash) stand for nothing. */
async function descend(
  nodes: NodeSource,
  root: Digest,
  path: string,
): Promise<Pick<Entry, 'kind' | 'nodeId'> | undefined> {
  const names = path.split('/').filter((name) => name !== '');
  let found: Pick<Entry, 'kind' | 'nodeId'> = { kind: 'folder', nodeId: rootNodeId };
  if (names.length > limits.treeDepthMax + 1) return undefined;
  for (const name of names) {
    if (found.kind !== 'folder') return undefined;
    const value = await mapGet(nodes, root, entryKey({ parentId: found.nodeId, name }));
    if (value === undefined) return undefined;
    found = decodeEntry(value);
  }
  return found;
}
