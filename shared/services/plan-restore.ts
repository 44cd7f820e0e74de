/**
 * Plans the operations that bring a workspace, or one node of it with all below, back to what it was: a function of two trees.
 * They are ordinary edits, moves and deletes on the head, so history only grows, other devices follow it as they follow
 * anything, and a restore can be restored. No content moves: it is stored.
 *
 *   1  what comes back or moves, from the top of the old tree down: then every folder stands at its place, on its old line up to
 *      the root, before anything goes into it, so no move can be into a folder's own inside
 *   2  files that stand and hold something else
 *   3  what goes: files first, then folders, the deepest first, when all that was in them has moved out or is gone
 *
 * A name that something else still has is freed just before: a file that shall go goes then, anything else steps aside to a name
 * of its own in the root folder, from where step 1 or 3 takes it.
 *
 * More operations than one commit takes are cut off at the end. The rest is what the next plan comes to, on the new head; each
 * commit leaves less to do, so repeating it ends.
 */
import { type DeviceId, type NodeId, rootNodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { type Entry, sameContent } from '../core/tree/entry.ts';
import { type Place, samePlace } from '../core/tree/keys.ts';
import { type VersionVector, mergeVersions } from '../core/version-vector.ts';
import type { Operation } from '../core/wire/operation.ts';
import {
  type RestoreGoal,
  type TwoTrees,
  type WantedNode,
  nodeGoal,
  twoTrees,
  wholeGoal,
} from './restore/restore-goal.ts';
import { findChangedNodes } from './restore/changed-nodes.ts';
import type { Digest } from '../core/ids.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import type { StandingNode } from './tree-view.ts';

/** What an operation is to the one who asked; `aside` is none of it. */
export type RestoreStep = 'restored' | 'moved' | 'deleted' | 'aside';

export interface RestorePlan {
  readonly operations: readonly Operation[];
  /** `steps[i]` is what `operations[i]` is. */
  readonly steps: readonly RestoreStep[];
  /** Whether something is left for the next plan. */
  readonly more: boolean;
}

export interface RestoreInput {
  readonly source: NodeSource;
  readonly thenRoot: Digest;
  readonly nowRoot: Digest;
  /** The seq of the tree now. */
  readonly headSeq: number;
  /** Null: everything. Otherwise a node that stood then. */
  readonly target: NodeId | null;
  /** The device that asks. */
  readonly deviceId: DeviceId;
  readonly clockMs: number;
  /** Defaults to what one commit takes. */
  readonly operationsMax?: number;
}

/** @throws TidemarkError `too-large` when more than `restoreNodesMax` nodes have changed. */
export async function planRestore(input: RestoreInput): Promise<RestorePlan> {
  const { source, thenRoot, nowRoot, target } = input;
  const trees = twoTrees(source, thenRoot, nowRoot);
  const isAlone = target !== null && !(await wasOrIsFolder(trees, target));
  const changes = isAlone ? new Map<never, never>() : await findChangedNodes(source, thenRoot, nowRoot);
  const goal = target === null ? wholeGoal(changes) : await nodeGoal(trees, changes, target);
  const planner = new Planner(input, trees, goal);
  await planner.plan();
  return planner.result();
}

/** A file needs no look at anything else. */
async function wasOrIsFolder({ was, now }: TwoTrees, nodeId: NodeId): Promise<boolean> {
  return (await was.find(nodeId))?.entry.kind === 'folder' || (await now.find(nodeId))?.entry.kind === 'folder';
}

function placeText(place: Place): string {
  return `${place.parentId}/${place.name}`;
}

/** Where a node waits for its place. */
function asidePlace(nodeId: NodeId): Place {
  return { parentId: rootNodeId, name: `.restoring-${nodeId}` };
}

class Planner {
  readonly #input: RestoreInput;
  readonly #trees: TwoTrees;
  readonly #wanted = new Map<NodeId, WantedNode>();
  readonly #gone: Map<NodeId, StandingNode>;
  readonly #operations: Operation[] = [];
  readonly #steps: RestoreStep[] = [];
  #more = false;
  /** What stands at a name now and will not stay there, by place. */
  readonly #leaving = new Map<string, StandingNode>();
  readonly #deleted = new Set<NodeId>();

  constructor(input: RestoreInput, trees: TwoTrees, goal: RestoreGoal) {
    this.#input = input;
    this.#trees = trees;
    this.#gone = new Map(goal.gone);
    for (const [nodeId, node] of goal.wanted) this.#want(nodeId, node);
  }

  /** A node that stands as another kind, which only an id used twice can be, goes before it comes back: a folder one commit before. */
  #want(nodeId: NodeId, node: WantedNode): void {
    const { was, now } = node;
    if (now === undefined || now.entry.kind === was.entry.kind) {
      this.#wanted.set(nodeId, node);
    } else if (now.entry.kind === 'folder') {
      this.#gone.set(nodeId, now);
      this.#more = true;
    } else {
      this.#delete(now);
      this.#wanted.set(nodeId, { ...node, now: undefined });
    }
  }

  async plan(): Promise<void> {
    for (const { now, place } of this.#wanted.values()) {
      if (now !== undefined && !samePlace(now.place, place)) this.#leaving.set(placeText(now.place), now);
    }
    for (const node of this.#gone.values()) this.#leaving.set(placeText(node.place), node);
    for (const node of await this.#topDown()) await this.#place(node);
    for (const node of this.#wanted.values()) this.#edit(node);
    for (const node of await this.#bottomUp()) this.#delete(node);
  }

  result(): RestorePlan {
    const max = this.#input.operationsMax ?? limits.commitOperationsMax;
    return {
      operations: this.#operations.slice(0, max),
      steps: this.#steps.slice(0, max),
      more: this.#more || this.#operations.length > max,
    };
  }

  #push(step: RestoreStep, operation: Operation): void {
    this.#operations.push(operation);
    this.#steps.push(step);
  }

  /** Nodes that are not at their place, by how deep they lay then; one that has another place than then is the target, above all. */
  async #topDown(): Promise<WantedNode[]> {
    const { linesThen } = this.#trees;
    const misplaced = [...this.#wanted.values()].filter(({ now, place }) => {
      return now === undefined || !samePlace(now.place, place);
    });
    await linesThen.prefetch(misplaced.map(({ was }) => was.place.parentId));
    const depths = new Map<WantedNode, number>();
    for (const node of misplaced) {
      const asThen = samePlace(node.place, node.was.place);
      depths.set(node, asThen ? await linesThen.depthOf(node.was.place.parentId) : -1);
    }
    return misplaced.sort((a, b) => depths.get(a)! - depths.get(b)!);
  }

  /** Files and links first, then folders, the deepest first. */
  async #bottomUp(): Promise<StandingNode[]> {
    const gone = [...this.#gone.values()];
    const leaves = gone.filter(({ entry }) => entry.kind !== 'folder');
    const folders = gone.filter(({ entry }) => entry.kind === 'folder');
    const { linesNow } = this.#trees;
    await linesNow.prefetch(folders.map(({ place }) => place.parentId));
    const depths = new Map<StandingNode, number>();
    for (const node of folders) depths.set(node, await linesNow.depthOf(node.place.parentId));
    return [...leaves, ...folders.sort((a, b) => depths.get(b)! - depths.get(a)!)];
  }

  async #place({ place, was, now }: WantedNode): Promise<void> {
    const { nodeId } = was.entry;
    if (now !== undefined) {
      this.#free(place, nodeId);
      this.#move('moved', now, place);
      this.#leaving.delete(placeText(now.place));
      return;
    }
    const aside = nodeId === this.#input.target && (await this.#meetsAnother(place)) ? asidePlace(nodeId) : undefined;
    this.#free(place, nodeId);
    const operation = this.#contentOperation(was.entry, aside ?? place, this.#returningBase(was.entry));
    this.#push('restored', operation);
    if (aside !== undefined)
      this.#move('aside', { place: aside, entry: { ...was.entry, version: operation.base } }, place);
  }

  /**
   * Whether a folder stands at this place and stays. A new folder of its name would be taken as the same one, and what is restored
   * would be mixed with what is there; a folder that moves there gets a name of its own.
   */
  async #meetsAnother(place: Place): Promise<boolean> {
    if (this.#leaving.has(placeText(place))) return false;
    return (await this.#trees.now.get(place))?.kind === 'folder';
  }

  #move(step: RestoreStep, { place: from, entry }: StandingNode, to: Place): void {
    const { nodeId, version } = entry;
    const { clockMs } = this.#input;
    this.#push(step, { kind: 'move', nodeId, ...to, base: version, basePlace: from, clockMs });
  }

  #free(place: Place, forNode: NodeId): void {
    const occupant = this.#leaving.get(placeText(place));
    if (occupant === undefined || occupant.entry.nodeId === forNode) return;
    this.#leaving.delete(placeText(place));
    const { nodeId, kind } = occupant.entry;
    if (kind !== 'folder' && this.#gone.has(nodeId)) return this.#delete(occupant);
    this.#move('aside', occupant, asidePlace(nodeId));
  }

  #edit({ was, now }: WantedNode): void {
    if (now === undefined || sameContent(was.entry, now.entry)) return;
    this.#push('restored', this.#contentOperation(was.entry, now.place, now.entry.version, now.entry));
  }

  #delete({ entry }: StandingNode): void {
    const { nodeId, version } = entry;
    if (this.#deleted.has(nodeId)) return;
    this.#deleted.add(nodeId);
    this.#push('deleted', { kind: 'delete', nodeId, base: version, clockMs: this.#input.clockMs });
  }

  /**
   * Nobody knows the versions that the node had between then and its end. That of the device that asks is counted on from the most
   * that it can have been, so that no device which saw one of them is taken for one that has seen the node come back.
   */
  #returningBase({ version }: Entry): VersionVector {
    const { headSeq, deviceId } = this.#input;
    return mergeVersions(version, [[deviceId, headSeq * limits.commitOperationsMax]]);
  }

  #contentOperation(entry: Entry, { parentId, name }: Place, base: VersionVector, now?: Entry): Operation {
    const { nodeId, mtimeMs, mode } = entry;
    const common = { nodeId, parentId, name, base, mtimeMs, clockMs: this.#input.clockMs };
    switch (entry.kind) {
      case 'folder':
        return { kind: 'mkdir', ...common };
      case 'symlink':
        return {
          kind: 'symlink',
          ...common,
          baseTarget: now?.kind === 'symlink' ? now.target : null,
          target: entry.target,
        };
      case 'file': {
        const { content, size, sha256 = null } = entry;
        const baseContent = now?.kind === 'file' ? now.content : null;
        return { kind: 'put', ...common, baseContent, content, size, mode, sha256, fallback: true };
      }
    }
  }
}
