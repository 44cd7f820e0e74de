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
 * On a disk that folds names, whoever has a name that is one with the wanted one there holds it too, and leaves first or steps aside.
 *
 * The tree is never copied: what the steps have changed so far lies over it.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import type { ArrangeOptions, ArrangeWorld, Step } from './arrange-world.ts';

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
  /** Folders that are to go, with something in them that waits. */
  readonly #waiting = new Set<NodeId>();
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
    const isDone = wanted === 'gone' ? this.#remove(nodeId) : this.#bring(nodeId, wanted);
    this.#visiting.delete(nodeId);
    if (isDone) this.#done.add(nodeId);
  }

  /** False when it may be brought yet; one that could not be brought otherwise waits for the next plan. */
  #bring(nodeId: NodeId, wanted: Place): boolean {
    if (!this.#ensureFolder(wanted.parentId)) return true;
    this.#clearWay(nodeId, wanted.parentId);
    const pushed = this.#freeName(nodeId, wanted);
    this.#leaveHolder(nodeId, wanted);
    const from = this.placeOf(nodeId);
    if (from !== undefined && samePlace(from, wanted)) return true;
    if (this.#aside.has(nodeId) && !this.#options.manySteps) return true;
    if (this.#isToBeFree(nodeId, wanted)) return false;
    const blocked = this.#isInTheWay(this.#holderOf(wanted), nodeId, wanted);
    if ((blocked || this.#isUnder(wanted.parentId, nodeId)) && !this.#options.takeNames) return true;
    this.#step({ kind: from === undefined ? 'create' : 'move', nodeId, from: from ?? null, to: wanted });
    if (pushed !== undefined) {
      this.#done.delete(pushed);
      this.settle(pushed);
    }
    return true;
  }

  /** The folder lies below the node: whichever of the folders in between is to leave the node goes first (a/b/c: b to d, then a into c). */
  #clearWay(nodeId: NodeId, folderId: NodeId): void {
    if (!this.#isUnder(folderId, nodeId)) return;
    const between: NodeId[] = [];
    for (let id = folderId; id !== nodeId && id !== rootNodeId && between.length < limits.treeDepthMax;) {
      between.push(id);
      id = this.placeOf(id)?.parentId ?? rootNodeId;
    }
    for (const id of between) if (this.#world.wants(id) !== 'gone') this.settle(id);
  }

  /** Lets the holder of a name leave first. Returns a holder that had to step aside and has to be settled again. */
  #freeName(nodeId: NodeId, wanted: Place): NodeId | undefined {
    const holder = this.#holderOf(wanted);
    if (holder === undefined || holder === nodeId || this.#world.wants(holder) === 'stay') return undefined;
    this.settle(holder);
    if (this.#holderOf(wanted) !== holder || this.#world.wants(holder) === 'gone' || this.isFull) return undefined;
    const from = this.placeOf(holder);
    if (from === undefined || !this.#mayStepAside(holder, from)) return undefined;
    const to = { parentId: wanted.parentId, name: temporaryName(holder) };
    this.#step({ kind: 'move', nodeId: holder, from, to });
    this.#aside.add(holder);
    return this.#visiting.has(holder) ? undefined : holder;
  }

  /** Whether the holder of the name goes as soon as something else that is being brought out of it is where it shall be. */
  #isToBeFree(nodeId: NodeId, wanted: Place): boolean {
    const holder = this.#holderOf(wanted);
    const from = this.placeOf(nodeId);
    if (holder === undefined || this.#world.wants(holder) !== 'gone' || this.#done.has(holder)) return false;
    return from !== undefined && !this.#isUnder(from.parentId, holder) && !this.isFull;
  }

  /**
   * The name is held by a folder that is to go and cannot, because the node is somewhere in it: it steps out beside the folder first.
   *
   *     d/f -> d                f -> temporary, d goes, temporary -> d
   *     n/a/b -> n, n/a -> b/a  b -> temporary, n/a -> temporary/a, n goes, temporary -> n
   *
   * Only where all else in the folder is to leave it too: a node must not wait under a temporary name for what will never be.
   */
  #leaveHolder(nodeId: NodeId, wanted: Place): void {
    const holder = this.#holderOf(wanted);
    const from = this.placeOf(nodeId);
    if (holder === undefined || from === undefined || this.#aside.has(nodeId) || this.isFull) return;
    if (this.#world.wants(holder) !== 'gone' || !this.#isUnder(from.parentId, holder)) return;
    if (!this.#isToEmpty(holder, holder)) return;
    const to = { parentId: wanted.parentId, name: temporaryName(nodeId) };
    this.#step({ kind: 'move', nodeId, from, to });
    this.#aside.add(nodeId);
    this.#done.delete(holder);
    this.settle(holder);
  }

  /** Whether everything in a folder is to go, or to leave the folder `holder`. */
  #isToEmpty(folderId: NodeId, holder: NodeId): boolean {
    return this.#childrenOf(folderId).every((child) => {
      const wanted = this.#world.wants(child);
      if (wanted === 'gone') return !this.#world.isFolder(child) || this.#isToEmpty(child, holder);
      return wanted !== 'stay' && !this.#willBeUnder(wanted.parentId, holder);
    });
  }

  /** Whether a folder is `above` or is to be below it. */
  #willBeUnder(folderId: NodeId, above: NodeId): boolean {
    let id = folderId;
    for (let depth = 0; id !== rootNodeId && depth <= limits.treeDepthMax; depth++) {
      if (id === above) return true;
      const wanted = this.#world.wants(id);
      const place = typeof wanted === 'string' ? this.placeOf(id) : wanted;
      if (place === undefined) return false;
      id = place.parentId;
    }
    return id !== rootNodeId;
  }

  /** Only a node that will leave the name for good, and only once: else two plans could push each other aside for ever. */
  #mayStepAside(holder: NodeId, at: Place): boolean {
    const wanted = this.#world.wants(holder);
    if (typeof wanted === 'string' || this.#keyOf(wanted) === this.#keyOf(at)) return false;
    return !this.#aside.has(holder) && at.name !== temporaryName(holder);
  }

  /** False for a folder that may go yet: something that is being brought elsewhere is still in it. */
  #remove(nodeId: NodeId): boolean {
    const from = this.placeOf(nodeId);
    if (from === undefined) return true;
    if (this.#world.isFolder(nodeId)) {
      for (const child of this.#childrenOf(nodeId)) this.settle(child);
      if (this.isFull) return true;
      const left = this.#childrenOf(nodeId);
      if (left.some((child) => this.#mayLeaveYet(child))) return false;
      if (left.length > 0) {
        if (left.some((child) => this.#isWaiting(child))) this.#waiting.add(nodeId);
        else this.retained.add(nodeId);
        return true;
      }
    }
    this.retained.delete(nodeId);
    this.#step({ kind: 'remove', nodeId, from, to: null });
    return true;
  }

  #isWaiting(nodeId: NodeId): boolean {
    return this.#waiting.has(nodeId) || this.#world.waits?.(nodeId) === true;
  }

  #mayLeaveYet(nodeId: NodeId): boolean {
    return this.#visiting.has(nodeId) || (this.#world.wants(nodeId) === 'gone' && !this.#done.has(nodeId));
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

  /** Another name that is one with the wanted one, and stays, is for the disk to refuse: it can say which it is. */
  #isInTheWay(holder: NodeId | undefined, nodeId: NodeId, wanted: Place): boolean {
    if (holder === undefined || holder === nodeId) return false;
    const at = this.placeOf(holder);
    if (at !== undefined && samePlace(at, wanted)) return true;
    const next = this.#world.wants(holder);
    return next === 'gone' || (next !== 'stay' && this.#keyOf(next) !== this.#keyOf(wanted));
  }

  #keyOf({ parentId, name }: Place): string {
    return parentId + (this.#options.nameKey?.(name) ?? name);
  }

  #holderOf(place: Place): NodeId | undefined {
    const key = this.#keyOf(place);
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
      const key = this.#keyOf(from);
      if (this.#holders.get(key) === nodeId) this.#holders.delete(key);
      this.#arrived.get(from.parentId)?.delete(nodeId);
    }
    this.#places.set(nodeId, to);
    if (to === null) return;
    if (this.#holderOf(to) === undefined) this.#holders.set(this.#keyOf(to), nodeId);
    const arrived = this.#arrived.get(to.parentId) ?? new Set<NodeId>();
    this.#arrived.set(to.parentId, arrived.add(nodeId));
  }
}
