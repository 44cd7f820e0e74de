/** Trees in memory for tests of the planner, random changes to them, and strict executors of what a plan says. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type NodeId, parseNodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { aliasKey } from '../../../shared/core/paths/alias-key.ts';
import type { Entry } from '../../../shared/core/tree/entry.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import { joinPath, pathOf } from '../../../client/agent/journal/paths.ts';
import type { LocalNode, PlacedEntry, StatMark } from '../../../client/agent/model.ts';
import type { Application } from '../../../client/agent/plan/applications.ts';
import { type Plan, plan } from '../../../client/agent/plan/plan.ts';
import type { PlanTrees } from '../../../client/agent/plan/plan-trees.ts';

export type Tree = Map<NodeId, PlacedEntry>;

export function idOf(n: number): NodeId {
  return parseNodeId(n.toString(16).padStart(32, '0'));
}

export function entryOf(nodeId: NodeId, kind: 'file' | 'folder', text: string): Entry {
  const base = { nodeId, version: [], mtimeMs: 0, mode: 0 };
  if (kind === 'folder') return { kind, ...base };
  return { kind, ...base, size: text.length, content: blake3Digest(utf8(text)) };
}

const noStat: StatMark = { size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0, dev: 0, mode: 0 };

export function toLocal({ parentId, name, entry }: PlacedEntry): LocalNode {
  const content = entry.kind === 'file' ? entry.content : null;
  return { nodeId: entry.nodeId, parentId, name, kind: entry.kind, content, target: null, stat: noStat };
}

function childAt(tree: Tree, parentId: NodeId, name: string): PlacedEntry | undefined {
  return [...tree.values()].find((node) => node.parentId === parentId && node.name === name);
}

function childrenOf(tree: Tree, folderId: NodeId): PlacedEntry[] {
  return [...tree.values()].filter((node) => node.parentId === folderId);
}

function isUnder(tree: Tree, id: NodeId, above: NodeId): boolean {
  for (let at = id; at !== rootNodeId; at = tree.get(at)?.parentId ?? rootNodeId) if (at === above) return true;
  return false;
}

/** Changes that always give a tree again: what cannot be done is left out. */
type Change =
  | {
      readonly do: 'add';
      readonly n: number;
      readonly kind: 'file' | 'folder';
      readonly into: number;
      readonly name: string;
    }
  | { readonly do: 'move'; readonly n: number; readonly into: number; readonly name: string }
  | { readonly do: 'edit'; readonly n: number; readonly text: string }
  | { readonly do: 'delete'; readonly n: number };

const name = fc.constantFrom('a', 'b', 'c');
const n = fc.integer({ min: 1, max: 6 });
const into = fc.integer({ min: 0, max: 6 });

/** `newFrom`: the first number of nodes that this script makes, so that two scripts make different ones. */
export function changes(newFrom: number, maxLength: number): fc.Arbitrary<Change[]> {
  const fresh = fc.integer({ min: newFrom, max: newFrom + 5 });
  const kind = fc.constantFrom('file' as const, 'folder' as const);
  return fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('add' as const), n: fresh, kind, into, name }),
      fc.record({ do: fc.constant('move' as const), n, into, name }),
      fc.record({ do: fc.constant('edit' as const), n, text: fc.constantFrom('x', 'y') }),
      fc.record({ do: fc.constant('delete' as const), n }),
    ),
    { maxLength },
  );
}

export function changed(tree: Tree, script: readonly Change[]): Tree {
  const next: Tree = new Map(tree);
  for (const change of script) {
    const id = idOf(change.n);
    const node = next.get(id);
    if (change.do === 'add' || change.do === 'move') {
      const parentId = change.into === 0 ? rootNodeId : idOf(change.into);
      const isFolder = parentId === rootNodeId || next.get(parentId)?.entry.kind === 'folder';
      if (!isFolder || childAt(next, parentId, change.name) !== undefined) continue;
      if (change.do === 'add' && node === undefined) {
        next.set(id, { parentId, name: change.name, entry: entryOf(id, change.kind, `new ${change.n}`) });
      } else if (change.do === 'move' && node !== undefined && !isUnder(next, parentId, id)) {
        next.set(id, { ...node, parentId, name: change.name });
      }
    } else if (node === undefined) continue;
    else if (change.do === 'edit' && node.entry.kind === 'file') {
      next.set(id, { ...node, entry: entryOf(id, 'file', change.text) });
    } else if (change.do === 'delete') {
      // Found before anything goes: whoever is under a folder is so only while all folders between are there.
      for (const each of [...next.keys()].filter((under) => isUnder(next, under, id))) next.delete(each);
    }
  }
  for (const { parentId } of next.values()) assert.ok(parentId === rootNodeId || next.has(parentId), 'no orphans');
  return next;
}

export const aTree: fc.Arbitrary<Tree> = changes(1, 10).map((script) => changed(new Map(), script));

export interface Three {
  readonly synced: Tree;
  readonly local: Tree;
  readonly remote: Tree;
}

export function toPlanTrees({ synced, local, remote }: Three): PlanTrees {
  const asLocal = (node: PlacedEntry | undefined): LocalNode | undefined =>
    node === undefined ? undefined : toLocal(node);
  return {
    synced: (id) => synced.get(id),
    local: (id) => asLocal(local.get(id)),
    remote: (id) => remote.get(id),
    localChildren: (id) => childrenOf(local, id).map(toLocal),
    remoteChildren: (id) => childrenOf(remote, id),
    unsettledByContent: (content) => [...local.values()].map(toLocal).filter((node) => node.content === content),
    localAt: (place) => asLocal(childAt(local, place.parentId, place.name)),
    remoteAt: (place) => childAt(remote, place.parentId, place.name),
  };
}

function differing(tree: Tree, synced: Tree): NodeId[] {
  const all = new Set([...tree.keys(), ...synced.keys()]);
  return [...all].filter((id) => JSON.stringify(tree.get(id)) !== JSON.stringify(synced.get(id)));
}

export function planOf(three: Three, unapplied: ReadonlySet<NodeId> = new Set()): Plan {
  return plan({
    trees: toPlanTrees(three),
    localChanged: differing(three.local, three.synced),
    remoteChanged: differing(three.remote, three.synced),
    held: new Set(),
    unapplied,
    deletions: { local: 0, remote: 0, files: 0 },
    massDeletionAllowed: false,
    sha256Of: () => null,
    clockMs: 0,
    operationsMax: 10_000,
    actionsMax: 10_000,
  });
}

/** A server that takes an operation only if it can be done as it says, at that moment. */
export function execute(tree: Tree, operations: readonly Operation[]): Tree {
  const next: Tree = new Map(tree);
  for (const operation of operations) {
    const { nodeId } = operation;
    if (operation.kind === 'delete') {
      assert.ok(next.has(nodeId) && childrenOf(next, nodeId).length === 0, 'a deleted folder is empty');
      next.delete(nodeId);
      continue;
    }
    const { parentId, name } = operation;
    assert.ok(parentId === rootNodeId || next.get(parentId)?.entry.kind === 'folder', 'the folder is there');
    const node = next.get(nodeId);
    const holder = childAt(next, parentId, name)?.entry.nodeId;
    assert.ok(holder === undefined || holder === nodeId, 'the name is free');
    if (operation.kind === 'move') {
      assert.ok(node !== undefined && !isUnder(next, parentId, nodeId), 'nothing moves into itself');
      next.set(nodeId, { ...node, parentId, name });
    } else if (operation.kind === 'mkdir') {
      next.set(nodeId, { parentId, name, entry: entryOf(nodeId, 'folder', '') });
    } else if (operation.kind === 'put') {
      const { content, size } = operation;
      next.set(nodeId, {
        parentId,
        name,
        entry: { kind: 'file', nodeId, version: [], mtimeMs: 0, mode: 0, size, content },
      });
    }
  }
  return next;
}

/** A disk that does an action only if its path is right at that moment. On one that folds names, no other node may have an alias of it. */
export function carryOut(
  tree: Tree,
  remote: Tree,
  applications: readonly Application[],
  foldsNames: boolean = false,
): Tree {
  const next: Tree = new Map(tree);
  const path = (id: NodeId): string | undefined => pathOf(id, (each) => next.get(each));
  for (const { action, place } of applications) {
    const { nodeId } = action;
    const node = next.get(nodeId);
    if (place === null) {
      assert.equal(path(nodeId), action.path);
      assert.equal(childrenOf(next, nodeId).length, 0, 'a removed folder is empty');
      next.delete(nodeId);
      continue;
    }
    const folder = place.parentId === rootNodeId ? '' : path(place.parentId);
    assert.ok(folder !== undefined, 'the folder is there');
    assert.equal(action.path, joinPath(folder, place.name));
    const key = (each: string): string => (foldsNames ? aliasKey(each) : each);
    const holders = childrenOf(next, place.parentId).filter((child) => key(child.name) === key(place.name));
    assert.ok(
      holders.every(({ entry }) => entry.nodeId === nodeId),
      'the name is free',
    );
    if (action.kind === 'move') {
      assert.ok(node !== undefined && !isUnder(next, place.parentId, nodeId), 'nothing moves into itself');
      assert.equal(path(nodeId), action.from);
      next.set(nodeId, { ...node, ...place });
    } else next.set(nodeId, { ...place, entry: remote.get(nodeId)!.entry });
  }
  return next;
}
