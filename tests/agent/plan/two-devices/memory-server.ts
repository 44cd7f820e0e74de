/** The server's rules of merging over a tree in memory: a commit costs microseconds, so that every small case can be tried. */
import { type NodeId, parseDeviceId, parseRequestId, rootNodeId } from '../../../../shared/core/ids.ts';
import type { DeviceId } from '../../../../shared/core/ids.ts';
import { utf8 } from '../../../../shared/core/bytes.ts';
import type { Entry } from '../../../../shared/core/tree/entry.ts';
import type { Place } from '../../../../shared/core/tree/keys.ts';
import type { Outcome } from '../../../../shared/core/wire/commit.ts';
import type { Operation } from '../../../../shared/core/wire/operation.ts';
import type { ConflictPolicy } from '../../../../shared/core/wire/workspace.ts';
import { applyOperations } from '../../../../shared/services/merge/apply-operations.ts';
import type { FolderDepth, MergeTree, PendingEdits, StandingNode } from '../../../../shared/services/tree-view.ts';
import type { PlacedEntry } from '../../../../client/agent/model.ts';

/** As TreeView, over a map. */
export class MemoryTreeView implements MergeTree {
  readonly before: ReadonlyMap<NodeId, PlacedEntry>;
  readonly nodes: Map<NodeId, PlacedEntry>;

  constructor(tree: ReadonlyMap<NodeId, PlacedEntry>) {
    this.before = tree;
    this.nodes = new Map(tree);
  }

  async prefetch(): Promise<void> {}

  async get(place: Place): Promise<Entry | undefined> {
    return entryAt(this.nodes, place);
  }

  async locate(nodeId: NodeId): Promise<Place | undefined> {
    return placeIn(this.nodes, nodeId);
  }

  async find(nodeId: NodeId): Promise<StandingNode | undefined> {
    return standingIn(this.nodes, nodeId);
  }

  async getBefore(place: Place): Promise<Entry | undefined> {
    return entryAt(this.before, place);
  }

  async findBefore(nodeId: NodeId): Promise<StandingNode | undefined> {
    return standingIn(this.before, nodeId);
  }

  async entryBefore(nodeId: NodeId): Promise<Entry | undefined> {
    return this.before.get(nodeId)?.entry;
  }

  async put(place: Place, entry: Entry): Promise<void> {
    this.nodes.set(entry.nodeId, { ...place, entry });
  }

  async remove(nodeId: NodeId): Promise<void> {
    this.nodes.delete(nodeId);
  }

  async depthOf(folderId: NodeId): Promise<FolderDepth | undefined> {
    let depth = { folders: 0, pathBytes: 0 };
    for (let id = folderId; id !== rootNodeId;) {
      const node = this.nodes.get(id);
      if (node === undefined) return undefined;
      depth = { folders: depth.folders + 1, pathBytes: depth.pathBytes + utf8(node.name).length + 1 };
      id = node.parentId;
    }
    return depth;
  }

  async isWithin(folderId: NodeId, other: NodeId): Promise<boolean> {
    for (let id: NodeId | undefined = folderId; id !== undefined; id = this.nodes.get(id)?.parentId) {
      if (id === other) return true;
    }
    return false;
  }

  async hasChildren(folderId: NodeId): Promise<boolean> {
    for (const { parentId } of this.nodes.values()) if (parentId === folderId) return true;
    return false;
  }

  pendingEdits(): PendingEdits {
    throw new Error('the tree in memory is taken as it is');
  }
}

function entryAt(tree: ReadonlyMap<NodeId, PlacedEntry>, { parentId, name }: Place): Entry | undefined {
  for (const node of tree.values()) if (node.parentId === parentId && node.name === name) return node.entry;
  return undefined;
}

function placeIn(tree: ReadonlyMap<NodeId, PlacedEntry>, nodeId: NodeId): Place | undefined {
  const node = tree.get(nodeId);
  return node === undefined ? undefined : { parentId: node.parentId, name: node.name };
}

function standingIn(tree: ReadonlyMap<NodeId, PlacedEntry>, nodeId: NodeId): StandingNode | undefined {
  const node = tree.get(nodeId);
  return node === undefined ? undefined : { place: { parentId: node.parentId, name: node.name }, entry: node.entry };
}

/** One workspace. */
export class MemoryServer {
  tree: ReadonlyMap<NodeId, PlacedEntry>;
  seq = 0;
  readonly #policy: ConflictPolicy;

  constructor(tree: ReadonlyMap<NodeId, PlacedEntry>, policy: ConflictPolicy) {
    this.tree = tree;
    this.#policy = policy;
  }

  async commit(deviceId: DeviceId, deviceName: string, operations: readonly Operation[]): Promise<Outcome[]> {
    this.seq++;
    const tree = new MemoryTreeView(this.tree);
    const requestId = parseRequestId(this.seq.toString(16).padStart(32, '0'));
    const rules = { mode: 'personal' as const, policy: this.#policy, deviceId, deviceName, requestId };
    const context = { tree, ...rules, headSeq: this.seq, aliases: new Map<NodeId, NodeId>() };
    const outcomes = await applyOperations(context, operations);
    this.tree = tree.nodes;
    return outcomes;
  }
}

export function deviceIdOf(n: number): DeviceId {
  return parseDeviceId(n.toString(16).padStart(32, 'd'));
}
