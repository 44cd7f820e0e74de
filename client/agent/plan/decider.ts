/** The decisions about nodes, each made once for a plan. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { PlacedEntry } from '../model.ts';
import { type Decision, decide } from './decide.ts';
import type { PlanTrees } from './plan-trees.ts';

const settled: Decision = { kind: 'settled' };
const pull: Decision = { kind: 'pull' };

export class Decider {
  readonly trees: PlanTrees;
  readonly #held: ReadonlySet<NodeId>;
  readonly #unapplied: ReadonlySet<NodeId>;
  readonly #decisions = new Map<NodeId, Decision>();
  readonly #carried = new Map<NodeId, boolean>();

  /**
   * @param held nodes to leave alone: something about them failed, and asking again would fail again.
   * @param unapplied nodes whose remote state this disk did not take. What the user did to them is told to the server all the same.
   */
  constructor(trees: PlanTrees, held: ReadonlySet<NodeId>, unapplied: ReadonlySet<NodeId>) {
    this.trees = trees;
    this.#held = held;
    this.#unapplied = unapplied;
  }

  decide(nodeId: NodeId): Decision {
    let decision = this.#decisions.get(nodeId);
    if (decision === undefined) {
      decision = this.#held.has(nodeId) ? settled : this.#fresh(nodeId);
      this.#decisions.set(nodeId, decision);
    }
    return decision;
  }

  isToLeave(nodeId: NodeId): boolean {
    return this.trees.selection?.isToLeave(nodeId) === true;
  }

  /** The node as this disk is to have it. */
  wantedHere(nodeId: NodeId): PlacedEntry | undefined {
    return this.isToLeave(nodeId) ? undefined : this.trees.remote(nodeId);
  }

  /**
   * Whether another file here holds what a deleted one held, and the server does not have it there yet: a file that was moved onto another.
   * The two are halves of one act of the user. So the deletion waits until the content has arrived: if the other half is refused,
   * held or asked to be merged, the content must not leave the workspace meanwhile. It does not wait where something else here has taken its
   * name (logs that are rotated): that would come to a conflict name otherwise. An empty file has nothing to lose.
   */
  isCarriedElsewhere(nodeId: NodeId): boolean {
    let carried = this.#carried.get(nodeId);
    if (carried === undefined) {
      carried = this.#findCarrier(nodeId);
      this.#carried.set(nodeId, carried);
    }
    return carried;
  }

  #findCarrier(nodeId: NodeId): boolean {
    const { trees } = this;
    const synced = trees.synced(nodeId);
    if (synced?.entry.kind !== 'file' || synced.entry.size === 0 || trees.local(nodeId) !== undefined) return false;
    if (trees.localAt(synced) !== undefined) return false;
    const { content } = synced.entry;
    return trees.unsettledByContent(content).some((other) => {
      const there = trees.remote(other.nodeId)?.entry;
      return there?.kind !== 'file' || there.content !== content;
    });
  }

  #fresh(nodeId: NodeId): Decision {
    const { trees } = this;
    // Whoever asks, and whatever else holds: the absence of what this device chose not to have is never told to anybody.
    if (trees.selection?.isUnselected(nodeId) === true) return settled;
    if (this.isToLeave(nodeId)) return this.#unapplied.has(nodeId) ? settled : pull;
    const states = { synced: trees.synced(nodeId), local: trees.local(nodeId), remote: trees.remote(nodeId) };
    const decision = decide(states);
    return decision.kind === 'pull' && this.#unapplied.has(nodeId) ? settled : decision;
  }
}
