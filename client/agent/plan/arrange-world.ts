/** What an arrangement (arrange.ts) is made over, and the steps that it is made of. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';

/** The tree to be changed, and what is wanted of its nodes. */
export interface ArrangeWorld {
  placeOf(nodeId: NodeId): Place | undefined;
  childrenOf(folderId: NodeId): readonly NodeId[];
  /** Who has this name, or else one of the same key. */
  at(place: Place): NodeId | undefined;
  isFolder(nodeId: NodeId): boolean;
  /** Where a node shall be; `gone` for nowhere, `stay` for a node that is none of this arrangement's business. */
  wants(nodeId: NodeId): Place | 'gone' | 'stay';
  /** Whether a node that is to go stays for now: the folders around it wait with it, and are not given up. */
  readonly waits?: (nodeId: NodeId) => boolean;
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
  /** Equal for names that are one name where the tree is; by default every name is one of its own. */
  readonly nameKey?: ((name: string) => string) | undefined;
  /** Called for each step before it counts as done, so that paths can be told from the tree as it is then. */
  readonly emit: (step: Step) => void;
}
