/**
 * Bringing nodes of one tree to other places in steps that can be carried out one after another: a folder is there before
 * what comes into it, a name is free before it is taken, a folder is empty before it goes. The same algorithm makes the
 * operations for the server (its tree, brought to what is here) and the actions for the disk (its tree, brought to what is
 * there).
 *
 * Each node is settled depth first: before it its new parent, and whoever holds its name and is to leave. Where that comes
 * round to a node that waits itself, the holder steps aside under a temporary name:
 *
 *     a -> b, b -> a          settle(a): b holds the name; settle(b): a holds the name and waits, so
 *                             a -> temporary, b -> a, a -> b
 *
 * The tree is never copied: what the steps have changed so far lies over it.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';

/** The tree to be changed, and what is wanted of its nodes. */
export interface ArrangeWorld {
  placeOf(nodeId: NodeId): Place | undefined;
  childrenOf(folderId: NodeId): readonly NodeId[];
  at(place: Place): NodeId | undefined;
  isFolder(nodeId: NodeId): boolean;
  /** Where a node shall be; `gone` for nowhere, `stay` for a node that is none of this arrangement's business. */
  wants(nodeId: NodeId): Place | 'gone' | 'stay';
  /** Where a folder that is not there comes to be when something needs it; undefined when it cannot be had now. */
  needed(folderId: NodeId): Place | undefined;
}

export interface Step {
  readonly kind: 'create' | 'move' | 'remove';
  readonly nodeId: NodeId;
  /** Null for what is created. */
  readonly from: Place | null;
  /** Null for what is removed. */
  readonly to: Place | null;
}

export interface ArrangeOptions {
  /** `true`: a name held by a node that stays is asked for all the same (the server decides). `false`: its node waits. */
  readonly takeNames: boolean;
  /** `true`: a node that stepped aside goes on to its place. `false`: one step for each node; the rest comes with the next plan. */
  readonly manySteps: boolean;
  readonly stepsMax: number;
  /** Called for each step before it counts as done, so that paths can be told from the tree as it is then. */
  readonly emit: (step: Step) => void;
}

/** A name that no user would give and that every server takes; in the same folder, so that no rename crosses anything. */
export function temporaryName(nodeId: NodeId): string {
  return `.moving-${nodeId}`;
}

export class Arrangement {
  readonly #world: ArrangeWorld;
  readonly #options: ArrangeOptions;
  /** Places of the nodes that steps have touched; null for removed. */
  readonly #places = new Map<NodeId, Place | null>();
  readonly #holders = new Map<string, NodeId>();
  /** Who held a name at first, as far as asked. */
  readonly #heldBefore = new Map<string, NodeId | undefined>();
  readonly #arrived = new Map<NodeId, Set<NodeId>>();
  readonly #visiting = new Set<NodeId>();
  readonly #done = new Set<NodeId>();
  readonly #aside = new Set<NodeId>();
  /** Folders that were to go and did not, because something in them stays. */
  readonly retained = new Set<NodeId>();
  #steps = 0;

  constructor(world: ArrangeWorld, options: ArrangeOptions) {
    this.#world = world;
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#steps >= this.#options.stepsMax;
  }

  /** Where a node is after the steps so far. */
  placeOf(nodeId: NodeId): Place | undefined {
    const moved = this.#places.get(nodeId);
    return moved === undefined ? this.#world.placeOf(nodeId) : (moved ?? undefined);
  }

  /** Brings a node to where it is wanted, and before it whatever must come before. */
  settle(nodeId: NodeId): void {
    if (this.#done.has(nodeId) || this.#visiting.has(nodeId) || this.isFull) return;
    const wanted = this.#world.wants(nodeId);
    if (wanted === 'stay') return;
    this.#visiting.add(nodeId);
    if (wanted === 'gone') this.#remove(nodeId);
    else this.#bring(nodeId, wanted);
    this.#visiting.delete(nodeId);
    this.#done.add(nodeId);
  }

  #bring(nodeId: NodeId, wanted: Place): void {
    if (!this.#ensureFolder(wanted.parentId)) return;
    const pushed = this.#freeName(nodeId, wanted);
    this.#leaveHolder(nodeId, wanted);
    const from = this.placeOf(nodeId);
    if (from !== undefined && samePlace(from, wanted)) return;
    if (this.#aside.has(nodeId) && !this.#options.manySteps) return;
    const holder = this.#holderOf(wanted);
    const blocked = holder !== undefined && holder !== nodeId;
    if ((blocked || this.#isUnder(wanted.parentId, nodeId)) && !this.#options.takeNames) return;
    this.#step({ kind: from === undefined ? 'create' : 'move', nodeId, from: from ?? null, to: wanted });
    if (pushed !== undefined) {
      this.#done.delete(pushed);
      this.settle(pushed);
    }
  }

  /** Lets the holder of a name leave first. Returns a holder that had to step aside and has to be settled again. */
  #freeName(nodeId: NodeId, wanted: Place): NodeId | undefined {
    const holder = this.#holderOf(wanted);
    if (holder === undefined || holder === nodeId || this.#world.wants(holder) === 'stay') return undefined;
    this.settle(holder);
    if (this.#holderOf(wanted) !== holder || this.#world.wants(holder) === 'gone' || this.isFull) return undefined;
    if (!this.#mayStepAside(holder)) return undefined;
    const to = { parentId: wanted.parentId, name: temporaryName(holder) };
    this.#step({ kind: 'move', nodeId: holder, from: wanted, to });
    this.#aside.add(holder);
    return this.#visiting.has(holder) ? undefined : holder;
  }

  /**
   * The name is held by a folder that is to go and cannot, because the node is the last thing in it: it steps out beside the
   * folder first.
   *
   *     d/f -> d                f -> temporary, d goes, temporary -> d
   */
  #leaveHolder(nodeId: NodeId, wanted: Place): void {
    const holder = this.#holderOf(wanted);
    const from = this.placeOf(nodeId);
    if (holder === undefined || from === undefined || this.#aside.has(nodeId) || this.isFull) return;
    if (this.#world.wants(holder) !== 'gone' || !this.#holdsOnly(holder, nodeId)) return;
    const to = { parentId: wanted.parentId, name: temporaryName(nodeId) };
    this.#step({ kind: 'move', nodeId, from, to });
    this.#aside.add(nodeId);
    this.#done.delete(holder);
    this.settle(holder);
  }

  #holdsOnly(folderId: NodeId, nodeId: NodeId): boolean {
    const [child, ...others] = this.#childrenOf(folderId);
    if (child === undefined || others.length > 0) return false;
    return child === nodeId || (this.#world.wants(child) === 'gone' && this.#holdsOnly(child, nodeId));
  }

  /** Only a node that will leave the name for good, and only once: else two plans could push each other aside for ever. */
  #mayStepAside(holder: NodeId): boolean {
    const wanted = this.#world.wants(holder);
    const at = this.placeOf(holder);
    if (typeof wanted === 'string' || at === undefined || samePlace(wanted, at)) return false;
    return !this.#aside.has(holder) && at.name !== temporaryName(holder);
  }

  #remove(nodeId: NodeId): void {
    const from = this.placeOf(nodeId);
    if (from === undefined) return;
    if (this.#world.isFolder(nodeId)) {
      for (const child of this.#childrenOf(nodeId)) this.settle(child);
      if (this.isFull) return;
      if (this.#childrenOf(nodeId).length > 0) {
        this.retained.add(nodeId);
        return;
      }
    }
    this.retained.delete(nodeId);
    this.#step({ kind: 'remove', nodeId, from, to: null });
  }

  /** Whether the folder is there, or could be made so, for something to come into it. */
  #ensureFolder(folderId: NodeId): boolean {
    if (folderId === rootNodeId) return true;
    if (this.placeOf(folderId) !== undefined) {
      if (this.#world.wants(folderId) !== 'gone') this.settle(folderId);
      return this.#world.isFolder(folderId);
    }
    if (this.#visiting.has(folderId)) return false;
    const place = this.#world.needed(folderId);
    if (place === undefined) return false;
    this.#visiting.add(folderId);
    this.#bring(folderId, place);
    this.#visiting.delete(folderId);
    this.#done.add(folderId);
    return this.placeOf(folderId) !== undefined;
  }

  #holderOf(place: Place): NodeId | undefined {
    const key = place.parentId + place.name;
    const arrived = this.#holders.get(key);
    if (arrived !== undefined) return arrived;
    if (!this.#heldBefore.has(key)) this.#heldBefore.set(key, this.#world.at(place));
    const holder = this.#heldBefore.get(key);
    return holder === undefined || this.#places.has(holder) ? undefined : holder;
  }

  #childrenOf(folderId: NodeId): NodeId[] {
    const stayed = this.#world.childrenOf(folderId).filter((child) => !this.#places.has(child));
    return [...stayed, ...(this.#arrived.get(folderId) ?? [])];
  }

  /** Whether a folder is the node or lies below it: then the node cannot go into it. */
  #isUnder(folderId: NodeId, nodeId: NodeId): boolean {
    let id = folderId;
    for (let depth = 0; id !== rootNodeId && depth <= limits.treeDepthMax; depth++) {
      if (id === nodeId) return true;
      const place = this.placeOf(id);
      if (place === undefined) return false;
      id = place.parentId;
    }
    return id !== rootNodeId;
  }

  #step(step: Step): void {
    this.#options.emit(step);
    this.#steps++;
    const { nodeId, from, to } = step;
    if (from !== null) {
      const key = from.parentId + from.name;
      if (this.#holders.get(key) === nodeId) this.#holders.delete(key);
      this.#arrived.get(from.parentId)?.delete(nodeId);
    }
    this.#places.set(nodeId, to);
    if (to === null) return;
    if (this.#holderOf(to) === undefined) this.#holders.set(to.parentId + to.name, nodeId);
    const arrived = this.#arrived.get(to.parentId) ?? new Set<NodeId>();
    this.#arrived.set(to.parentId, arrived.add(nodeId));
  }
}
