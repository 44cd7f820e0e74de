/** The decisions about nodes, each made once for a plan. */
import type { NodeId } from '../../../shared/core/ids.ts';
import { type Decision, decide } from './decide.ts';
import type { PlanTrees } from './plan-trees.ts';

const settled: Decision = { kind: 'settled' };

export class Decider {
  readonly trees: PlanTrees;
  readonly #held: ReadonlySet<NodeId>;
  readonly #unapplied: ReadonlySet<NodeId>;
  readonly #decisions = new Map<NodeId, Decision>();

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

  #fresh(nodeId: NodeId): Decision {
    const { trees } = this;
    const states = { synced: trees.synced(nodeId), local: trees.local(nodeId), remote: trees.remote(nodeId) };
    const decision = decide(states);
    return decision.kind === 'pull' && this.#unapplied.has(nodeId) ? settled : decision;
  }
}
