/**
 * The plan: from the three trees to what has to be done, as one pure function. Nothing is carried out here, so a dry run
 * is the plan, printed. It is planned over the nodes that differ, in parts: what a part needs besides (a parent, a child of a
 * folder that goes) it looks up, and what does not fit into it is left for the next.
 *
 * First things that are the same on both sides are recognised (matches): while there are any, the plan is nothing else, for
 * everything else may look different afterwards. The plan is empty exactly when nothing can be done: at rest, when the trees
 * are equal.
 */
import type { Digest, NodeId } from '../../../shared/core/ids.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import { type Application, planApplications } from './applications.ts';
import { type Deletions, type Halt, findHalts } from './brake.ts';

import { Decider } from './decider.ts';
import { type Match, findMatches } from './matches.ts';
import { planOperations } from './operations.ts';
import { identical } from './same-entry.ts';
import type { PlanTrees } from './plan-trees.ts';

export interface PlanInput {
  readonly trees: PlanTrees;
  /** Nodes that differ from `synced` on this disk, and on the server: all, or a part of them. */
  readonly localChanged: readonly NodeId[];
  readonly remoteChanged: readonly NodeId[];
  /** Nodes to leave alone. */
  readonly held: ReadonlySet<NodeId>;
  /** Nodes whose remote state this disk would not take: nothing more is applied to them, and what was done to them here is sent. */
  readonly unapplied: ReadonlySet<NodeId>;
  readonly deletions: Deletions;
  readonly massDeletionAllowed: boolean;
  /** The SHA-256 of a content that was read here; null where the workspace does not ask for it. */
  readonly sha256Of: (content: Digest) => Digest | null;
  readonly clockMs: number;
  readonly operationsMax: number;
  readonly actionsMax: number;
}

export interface Plan {
  readonly matches: readonly Match[];
  /** Nodes whose merge base becomes the remote state: both sides hold the same. */
  readonly adoptions: readonly NodeId[];
  /** Nodes whose absence here counts for nothing, because of what the server has: they will be fetched. */
  readonly forgotten: readonly NodeId[];
  readonly operations: readonly Operation[];
  readonly applications: readonly Application[];
  /** Nodes that both sides changed: the server's rules will decide. */
  readonly conflicts: readonly NodeId[];
  readonly halts: readonly Halt[];
  /** Whether there was more to plan than fitted in. */
  readonly isPartial: boolean;
}

const nothing: Plan = {
  matches: [],
  adoptions: [],
  forgotten: [],
  operations: [],
  applications: [],
  conflicts: [],
  halts: [],
  isPartial: false,
};

export function plan(input: PlanInput): Plan {
  const { trees, localChanged, remoteChanged, held } = input;
  const halts = input.massDeletionAllowed ? [] : findHalts(input.deletions);
  if (halts.length > 0) return { ...nothing, halts };
  const matches = findMatches(trees, localChanged, held);
  if (matches.length > 0) return { ...nothing, matches, isPartial: true };
  const decider = new Decider(trees, held, input.unapplied);
  const changed = [...new Set([...localChanged, ...remoteChanged])];
  const { sha256Of, clockMs, operationsMax, actionsMax } = input;
  const operations = planOperations({ decider, changed, sha256Of, clockMs, operationsMax });
  const applications = planApplications(decider, changed, actionsMax);
  const ofKind = (kind: 'adopt' | 'forget'): NodeId[] => changed.filter((id) => decider.decide(id).kind === kind);
  return {
    ...nothing,
    adoptions: ofKind('adopt'),
    forgotten: [...ofKind('forget'), ...operations.retained],
    operations: operations.operations,
    applications: applications.applications,
    conflicts: changed.filter((id) => isConflict(decider, id)),
    isPartial: operations.isFull || applications.isFull,
  };
}

/** Both sides changed the node, and not to the same. */
function isConflict(decider: Decider, id: NodeId): boolean {
  const { trees } = decider;
  const remote = trees.remote(id);
  if (decider.decide(id).kind !== 'push' || trees.local(id) === undefined || remote === undefined) return false;
  const synced = trees.synced(id);
  return synced === undefined || !identical(remote, synced);
}

export function isEmptyPlan(plan: Plan): boolean {
  return (
    plan.matches.length + plan.adoptions.length + plan.forgotten.length === 0 &&
    plan.operations.length + plan.applications.length + plan.halts.length === 0
  );
}
