/**
 * What a restore has to bring about: which nodes shall stand, where and holding what, and which shall go.
 *
 * Everything: the old tree, exactly. One node: it keeps its place where it stands, and comes back to its old place where it
 * does not; a folder gets back all that was in it, wherever that is now, and what is in it now, or in any of that, and was not then goes.
 * Nothing else is touched, but for folders above a node that comes back, which come back with it.
 */
import { type Digest, type NodeId, rootNodeId } from '../../core/ids.ts';
import { mapScan } from '../../core/merkle/map-read.ts';
import type { NodeSource } from '../../core/merkle/node-source.ts';
import { decodeEntry } from '../../core/tree/entry.ts';
import { type Place, entryKeyToPlace, folderPrefix } from '../../core/tree/keys.ts';
import { type StandingNode, TreeView } from '../tree-view.ts';
import { Ancestry } from './ancestry.ts';
import type { ChangedNode } from './changed-nodes.ts';

/** A node that shall stand at `place` with the content of `was`. */
export interface WantedNode {
  readonly place: Place;
  readonly was: StandingNode;
  readonly now: StandingNode | undefined;
}

export interface RestoreGoal {
  readonly wanted: ReadonlyMap<NodeId, WantedNode>;
  readonly gone: ReadonlyMap<NodeId, StandingNode>;
}

export interface TwoTrees {
  readonly source: NodeSource;
  readonly nowRoot: Digest;
  readonly was: TreeView;
  readonly now: TreeView;
  readonly linesThen: Ancestry;
  readonly linesNow: Ancestry;
}

export function twoTrees(source: NodeSource, thenRoot: Digest, nowRoot: Digest): TwoTrees {
  const was = new TreeView(source, thenRoot);
  const now = new TreeView(source, nowRoot);
  return { source, nowRoot, was, now, linesThen: new Ancestry(was), linesNow: new Ancestry(now) };
}

type Changes = ReadonlyMap<NodeId, ChangedNode>;

/** The goal for the whole workspace. */
export function wholeGoal(changes: Changes): RestoreGoal {
  const wanted = new Map<NodeId, WantedNode>();
  const gone = new Map<NodeId, StandingNode>();
  for (const [nodeId, { was, now }] of changes) {
    if (was !== undefined) wanted.set(nodeId, { place: was.place, was, now });
    else if (now !== undefined) gone.set(nodeId, now);
  }
  return { wanted, gone };
}

/** The goal for one node, which stood then, and all that was in it. */
export async function nodeGoal(trees: TwoTrees, changes: Changes, target: NodeId): Promise<RestoreGoal> {
  const wanted = new Map<NodeId, WantedNode>();
  const gone = new Map<NodeId, StandingNode>();
  const parentsOf = (side: 'was' | 'now') =>
    [...changes.values()].flatMap((change) => (change[side] === undefined ? [] : [change[side].place.parentId]));
  await trees.linesThen.prefetch(parentsOf('was'));
  await trees.linesNow.prefetch(parentsOf('now'));
  const scope = new Scope(trees, target);
  for (const [nodeId, { was, now }] of changes) {
    if (nodeId === target) continue;
    if (await scope.held(nodeId)) wanted.set(nodeId, { place: was!.place, was: was!, now });
    else if (now !== undefined && (await scope.reaches(now.place.parentId))) gone.set(nodeId, now);
  }
  for (const node of gone.values()) if (node.entry.kind === 'folder') await takeContents(trees, scope, node, gone);
  for (const [nodeId, node] of await placeTarget(trees, scope)) wanted.set(nodeId, node);
  return { wanted, gone };
}

/** What a restored node is about: what it held then, and what is in any of that now, wherever it stands. */
class Scope {
  readonly target: NodeId;
  readonly #trees: TwoTrees;
  readonly #held = new Map<NodeId, boolean>();
  readonly #reached = new Map<NodeId, boolean>();

  constructor(trees: TwoTrees, target: NodeId) {
    this.#trees = trees;
    this.target = target;
    this.#held.set(target, true);
  }

  /** Whether a node was the target then, or in it. */
  async held(nodeId: NodeId): Promise<boolean> {
    return follow(this.#trees.was, nodeId, this.#held, () => Promise.resolve(false));
  }

  /** Whether a folder is now one that the target held then, or in such a one. */
  async reaches(folderId: NodeId): Promise<boolean> {
    return follow(this.#trees.now, folderId, this.#reached, (nodeId) => this.held(nodeId));
  }
}

/** Goes up from a node until the answer is known or `isIt`; all on the way have the same one. */
async function follow(
  tree: TreeView,
  from: NodeId,
  known: Map<NodeId, boolean>,
  isIt: (nodeId: NodeId) => Promise<boolean>,
): Promise<boolean> {
  const line: NodeId[] = [];
  let answer: boolean | undefined;
  for (let nodeId: NodeId | undefined = from; nodeId !== undefined && answer === undefined;) {
    answer = known.get(nodeId) ?? ((await isIt(nodeId)) || undefined);
    line.push(nodeId);
    nodeId = (await tree.locate(nodeId))?.parentId;
  }
  for (const nodeId of line) known.set(nodeId, answer ?? false);
  return answer ?? false;
}

/** What is in a folder that goes goes with it, but for what the target held then: that moves back into it. */
async function takeContents(
  trees: TwoTrees,
  scope: Scope,
  folder: StandingNode,
  gone: Map<NodeId, StandingNode>,
): Promise<void> {
  const prefix = folderPrefix(folder.entry.nodeId);
  for await (const [key, value] of mapScan(trees.source, trees.nowRoot, { prefix })) {
    const child = { place: entryKeyToPlace(key), entry: decodeEntry(value) };
    const { nodeId } = child.entry;
    // A map that grows while it is gone through is gone through to its new end: the caller's loop comes to this folder too.
    if (!gone.has(nodeId) && !(await scope.held(nodeId))) gone.set(nodeId, child);
  }
}

/**
 * Where the restored node shall stand, with the folders above it that have to come back. It must not stand in anything that goes
 * into it: if it does now, it goes to the nearest folder above its old place that is free of that.
 */
async function placeTarget(trees: TwoTrees, scope: Scope): Promise<Map<NodeId, WantedNode>> {
  const { target } = scope;
  const wanted = new Map<NodeId, WantedNode>();
  const was = await trees.was.find(target);
  if (was === undefined) return wanted;
  const now = await trees.now.find(target);
  if (now !== undefined && !(await scope.reaches(now.place.parentId))) {
    return wanted.set(target, { place: now.place, was, now });
  }
  const missing: StandingNode[] = [];
  let blocked = false;
  for (const folderId of await trees.linesThen.lineOf(was.place.parentId)) {
    const standing = (await trees.now.find(folderId))?.entry.kind;
    const isFolder = folderId === rootNodeId || standing === 'folder';
    if (isFolder && !(await scope.reaches(folderId))) {
      const place = blocked ? { parentId: folderId, name: was.place.name } : was.place;
      if (!blocked)
        for (const folder of missing)
          wanted.set(folder.entry.nodeId, { place: folder.place, was: folder, now: undefined });
      return wanted.set(target, { place, was, now });
    }
    if (standing !== undefined) blocked = true;
    const folder = await trees.was.find(folderId);
    if (folder !== undefined) missing.push(folder);
  }
  return wanted;
}
