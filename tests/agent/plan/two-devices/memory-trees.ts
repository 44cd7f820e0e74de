/** The three trees of a device in memory, with the views of `Trees`: what it keeps in rows is kept whole here. */
import type { NodeId } from '../../../../shared/core/ids.ts';
import type { Place } from '../../../../shared/core/tree/keys.ts';
import { type SyncedNode, syncedToLocal } from '../../../../client/agent/journal/rows.ts';
import type { TreesView } from '../../../../client/agent/journal/trees.ts';
import type { LocalNode, PlacedEntry } from '../../../../client/agent/model.ts';
import { holdsEntry } from '../../../../client/agent/plan/decide.ts';
import type { PlanTrees } from '../../../../client/agent/plan/plan-trees.ts';
import { identical } from '../../../../client/agent/plan/same-entry.ts';

function samePlace(a: Place, b: Place): boolean {
  return a.parentId === b.parentId && a.name === b.name;
}

export class MemoryTrees implements TreesView {
  readonly #synced = new Map<NodeId, SyncedNode>();
  readonly #local = new Map<NodeId, LocalNode>();
  #remote: ReadonlyMap<NodeId, PlacedEntry> = new Map();

  /** All three trees are this one. */
  begin(tree: ReadonlyMap<NodeId, SyncedNode>): void {
    for (const [id, node] of tree) {
      this.#synced.set(id, node);
      this.#local.set(id, syncedToLocal(node));
    }
    this.#remote = tree;
  }

  batch<T>(_nodeIds: readonly NodeId[], work: () => T): T {
    return work();
  }

  getSynced(nodeId: NodeId): SyncedNode | undefined {
    return this.#synced.get(nodeId);
  }

  getLocal(nodeId: NodeId): LocalNode | undefined {
    return this.#local.get(nodeId);
  }

  getRemote(nodeId: NodeId): PlacedEntry | undefined {
    return this.#remote.get(nodeId);
  }

  isLocalChange(nodeId: NodeId): boolean {
    const [synced, local] = [this.#synced.get(nodeId), this.#local.get(nodeId)];
    if (synced === undefined || local === undefined) return synced !== undefined || local !== undefined;
    return !samePlace(local, synced) || !holdsEntry(local, synced.entry);
  }

  isRemoteChange(nodeId: NodeId): boolean {
    const [synced, remote] = [this.#synced.get(nodeId), this.#remote.get(nodeId)];
    if (synced === undefined || remote === undefined) return synced !== undefined || remote !== undefined;
    return !identical(remote, synced);
  }

  setLocal(nodeId: NodeId, node: LocalNode | undefined): void {
    if (node === undefined) this.#local.delete(nodeId);
    else this.#local.set(nodeId, node);
  }

  setRemote(nodeId: NodeId, placed: PlacedEntry | undefined): void {
    const next = new Map(this.#remote);
    if (placed === undefined) next.delete(nodeId);
    else next.set(nodeId, placed);
    this.#remote = next;
  }

  /** The journal was followed to a state of the workspace. */
  follow(tree: ReadonlyMap<NodeId, PlacedEntry>): void {
    this.#remote = tree;
  }

  rebase(nodeId: NodeId, next: SyncedNode | undefined): void {
    if (next === undefined) this.#synced.delete(nodeId);
    else this.#synced.set(nodeId, next);
  }

  settle(nodeId: NodeId, next: SyncedNode | undefined): void {
    this.rebase(nodeId, next);
    this.setLocal(nodeId, next === undefined ? undefined : syncedToLocal(next));
  }

  renameLocal(from: NodeId, to: NodeId): void {
    const node = this.#local.get(from);
    if (node === undefined) return;
    this.setLocal(to, { ...node, nodeId: to });
    this.setLocal(from, undefined);
    for (const child of this.#localChildren(from)) {
      const synced = this.getSynced(child.nodeId);
      if (synced?.parentId === from) this.rebase(child.nodeId, { ...synced, parentId: to });
      this.setLocal(child.nodeId, { ...child, parentId: to });
    }
  }

  localTree(): ReadonlyMap<NodeId, LocalNode> {
    return this.#local;
  }

  #localChildren(folderId: NodeId): LocalNode[] {
    return [...this.#local.values()].filter((node) => node.parentId === folderId);
  }

  localChanges(): NodeId[] {
    return [...new Set([...this.#synced.keys(), ...this.#local.keys()])].filter((id) => this.isLocalChange(id)).sort();
  }

  remoteChanges(): NodeId[] {
    return [...new Set([...this.#synced.keys(), ...this.#remote.keys()])]
      .filter((id) => this.isRemoteChange(id))
      .sort();
  }

  toPlanTrees(foldsNames: boolean): PlanTrees {
    const at = <T extends Place>(nodes: Iterable<T>, place: Place): T | undefined => {
      for (const node of nodes) if (samePlace(node, place)) return node;
      return undefined;
    };
    return {
      synced: (id) => this.#synced.get(id),
      local: (id) => this.#local.get(id),
      remote: (id) => this.#remote.get(id),
      localChildren: (id) => this.#localChildren(id),
      remoteChildren: (id) => [...this.#remote.values()].filter((node) => node.parentId === id),
      unsettledByContent: (content) => [...this.#local.values()].filter((node) => node.content === content),
      localAt: (place) => at(this.#local.values(), place),
      remoteAt: (place) => at(this.#remote.values(), place),
      foldsNames,
    };
  }
}
