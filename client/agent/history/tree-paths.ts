/** Paths and folders in a tree of the history, found in its map. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { mapGet, mapScan } from '../../../shared/core/merkle/map-read.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import { type Entry, decodeEntry } from '../../../shared/core/tree/entry.ts';
import {
  type Place,
  entryKey,
  entryKeyToPlace,
  folderPrefix,
  placeKey,
  placeValueToPlace,
} from '../../../shared/core/tree/keys.ts';

/** What stands at a path; `entry` is undefined for the root of the workspace, which has none. */
export interface FoundNode {
  readonly nodeId: NodeId;
  readonly place: Place | undefined;
  readonly entry: Entry | undefined;
}

export function isFolder({ entry }: FoundNode): boolean {
  return entry === undefined || entry.kind === 'folder';
}

/** Undefined when nothing stands there. Empty names, as of a trailing slash, stand for nothing. */
export async function findAtPath(nodes: NodeSource, root: Digest, path: string): Promise<FoundNode | undefined> {
  const names = path.split('/').filter((name) => name !== '');
  let found: FoundNode = { nodeId: rootNodeId, place: undefined, entry: undefined };
  if (names.length > limits.treeDepthMax + 1) return undefined;
  for (const name of names) {
    if (!isFolder(found)) return undefined;
    const place = { parentId: found.nodeId, name };
    const value = await mapGet(nodes, root, entryKey(place));
    if (value === undefined) return undefined;
    const entry = decodeEntry(value);
    found = { nodeId: entry.nodeId, place, entry };
  }
  return found;
}

/** Where a node is in a tree; undefined when it is not there. The root folder is nowhere. */
export async function findNode(nodes: NodeSource, root: Digest, nodeId: NodeId): Promise<FoundNode | undefined> {
  const value = await mapGet(nodes, root, placeKey(nodeId));
  if (value === undefined) return undefined;
  const place = placeValueToPlace(value);
  const bytes = await mapGet(nodes, root, entryKey(place));
  if (bytes === undefined) throw new TidemarkError('corrupt', 'a tree names a place at which it has nothing');
  return { nodeId, place, entry: decodeEntry(bytes) };
}

export interface ListedNode {
  readonly name: string;
  readonly entry: Entry;
}

/** What a folder holds, by name in the order of UTF-8 bytes, at most `max`. */
export async function listFolder(
  nodes: NodeSource,
  root: Digest,
  folderId: NodeId,
  max: number,
): Promise<readonly ListedNode[]> {
  const items: ListedNode[] = [];
  if (max <= 0) return items;
  for await (const [key, value] of mapScan(nodes, root, { prefix: folderPrefix(folderId) })) {
    items.push({ name: entryKeyToPlace(key).name, entry: decodeEntry(value) });
    if (items.length >= max) break;
  }
  return items;
}

/** Paths of places in one tree. Folders that were looked up are remembered. */
export class PathFinder {
  readonly #nodes: NodeSource;
  readonly #root: Digest;
  readonly #folders = new Map<NodeId, string>([[rootNodeId, '']]);

  constructor(nodes: NodeSource, root: Digest) {
    this.#nodes = nodes;
    this.#root = root;
  }

  /** Undefined when a folder on the way is not in this tree. */
  async pathOf(place: Place): Promise<string | undefined> {
    // From the node up to a folder whose path is known. A ring of folders is in no tree made by the rules; one that is must not hold us.
    const way: Place[] = [place];
    for (;;) {
      const { parentId } = way.at(-1)!;
      const known = this.#folders.get(parentId);
      if (known !== undefined) return this.#remember(known, way);
      if (way.length > limits.treeDepthMax + 1) return undefined;
      const value = await mapGet(this.#nodes, this.#root, placeKey(parentId));
      if (value === undefined) return undefined;
      way.push(placeValueToPlace(value));
    }
  }

  #remember(above: string, way: readonly Place[]): string {
    let path = above;
    for (let i = way.length - 1; i >= 0; i--) {
      path = joinPath(path, way[i]!.name);
      // The node of each place but the lowest is the folder that the next one below is in.
      if (i > 0) this.#folders.set(way[i - 1]!.parentId, path);
    }
    return path;
  }
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
