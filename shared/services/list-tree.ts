import { TidemarkError } from '../core/errors.ts';
import { type Digest, type NodeId, type WorkspaceId, rootNodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { mapGet, mapScan } from '../core/merkle/map-read.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { decodeEntry } from '../core/tree/entry.ts';
import { entryKey, entryKeyToPlace, folderPrefix } from '../core/tree/keys.ts';
import type { TreeListing } from '../core/wire/tree-listing.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { workspaceNodes } from './workspace-nodes.ts';

/**
 * What a folder holds at the head, by name in the order of UTF-8 bytes, one page. `path` has its names separated by `/`; the
 * root is the empty path. `after` is a name, the last page's `next`; it need not exist any more.
 * @throws TidemarkError `not-found` when there is no folder at the path.
 */
export async function listTree(
  deps: Needs<'metadata'>,
  input: {
    readonly caller: Caller;
    readonly workspaceId: WorkspaceId;
    readonly path: string;
    readonly after: string | null;
  },
): Promise<TreeListing> {
  const { workspaceId, after } = input;
  await authorise(deps, input.caller, workspaceId, 'read');
  const head = await deps.metadata.journal.getHead(workspaceId);
  if (head === undefined) throw new TidemarkError('internal', 'a workspace has no head', { data: { workspaceId } });
  const nodes = workspaceNodes(deps, workspaceId);
  const folderId = await findFolder(nodes, head.root, input.path);
  const items: TreeListing['items'][number][] = [];
  const from = after === null ? {} : { after: entryKey({ parentId: folderId, name: after }) };
  let more = false;
  for await (const [key, entry] of mapScan(nodes, head.root, { prefix: folderPrefix(folderId), ...from })) {
    more = items.length === limits.treePageEntriesMax;
    if (more) break;
    items.push({ name: entryKeyToPlace(key).name, entry });
  }
  return { seq: head.seq, root: head.root, folderId, items, next: more ? items.at(-1)!.name : null };
}

/** Goes down component by component. Empty components (a leading, trailing or double slash) stand for nothing. */
async function findFolder(nodes: NodeSource, root: Digest, path: string): Promise<NodeId> {
  const names = path.split('/').filter((name) => name !== '');
  if (names.length > limits.treeDepthMax) throw noFolder();
  let folderId = rootNodeId;
  for (const name of names) {
    const value = await mapGet(nodes, root, entryKey({ parentId: folderId, name }));
    const entry = value === undefined ? undefined : decodeEntry(value);
    if (entry?.kind !== 'folder') throw noFolder();
    folderId = entry.nodeId;
  }
  return folderId;
}

function noFolder(): TidemarkError {
  return new TidemarkError('not-found', 'there is no such folder in the workspace');
}
