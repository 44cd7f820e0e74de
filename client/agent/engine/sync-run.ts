/** What the steps of one sync share: the world, the figures so far, and what went wrong. */
import type { NodeId } from '../../../shared/core/ids.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { JournalIdentity } from '../journal/meta-table.ts';
import type { Problem } from '../ports.ts';
import type { EngineNeeds } from './needs.ts';
import { type ProgressEvent, type Tally, newTally } from './report.ts';
import type { EngineState, StateHolder } from './state.ts';

export interface SyncOptions {
  /** A person said that the mass deletion is meant. */
  readonly massDeletionAllowed?: boolean;
}

/** Commits of one sync that may be refused because the workspace had moved on. */
const staleMax = 16;

export class SyncRun {
  readonly needs: EngineNeeds;
  readonly identity: JournalIdentity;
  readonly signal: AbortSignal;
  readonly massDeletionAllowed: boolean;
  readonly tally: Tally = newTally();
  /** Nodes that failed for a reason that asking again does not change. */
  readonly held = new Set<NodeId>();
  /** Nodes that this disk did not take as the workspace has them. */
  readonly unapplied = new Set<NodeId>();
  /** What the newest scan could not take. */
  scanProblems: readonly Problem[] = [];
  readonly #failures = new Map<NodeId, { readonly problem: Problem; readonly times: number }>();
  readonly #states: StateHolder;
  #stale = 0;
  /** Whether the disk was found other than known, so that it has to be looked at again. */
  rescan = true;
  /** The disk is full: nothing more is applied in this sync. */
  isFull = false;

  constructor(needs: EngineNeeds, states: StateHolder, signal: AbortSignal, options: SyncOptions) {
    const identity = needs.journal.meta.getIdentity();
    if (identity === undefined) throw new TidemarkError('internal', 'the journal was never begun');
    this.needs = needs;
    this.identity = identity;
    this.signal = signal;
    this.#states = states;
    this.massDeletionAllowed = options.massDeletionAllowed ?? false;
  }

  enter(state: EngineState): void {
    this.signal.throwIfAborted();
    this.#states.enter(state);
  }

  progress(event: Omit<ProgressEvent, 'phase'>): void {
    this.needs.progress({ phase: this.#states.state.name, ...event });
  }

  /** A commit on an old state was refused: plan again on the newest, a bounded number of times. Returns 1, as a step done. */
  allowStale(): number {
    if (++this.#stale <= staleMax) return 1;
    throw new TidemarkError('busy', 'the workspace changes faster than this folder can follow; try again later');
  }

  /** Notes a failure of a node. At the `timesMax`th it is left alone until the next sync. */
  fail(nodeId: NodeId, problem: Problem, timesMax: number): void {
    if (this.#countFailure(nodeId, problem) >= timesMax) this.held.add(nodeId);
  }

  /**
   * Notes that this disk did not take a node. At the `timesMax`th time nothing more is applied to it in this sync; what the user
   * did to it is still sent, or a delete that belongs to it (the other half of a move) would go out alone.
   */
  failToApply(nodeId: NodeId, problem: Problem, timesMax: number): void {
    if (this.#countFailure(nodeId, problem) >= timesMax) this.unapplied.add(nodeId);
  }

  #countFailure(nodeId: NodeId, problem: Problem): number {
    const times = (this.#failures.get(nodeId)?.times ?? 0) + 1;
    this.#failures.set(nodeId, { problem, times });
    return times;
  }

  /** What the scan could not take, and failures of nodes that still differ. */
  problems(): Problem[] {
    const { trees } = this.needs.journal;
    const failed = [...this.#failures].filter(([id]) => trees.isLocalChange(id) || trees.isRemoteChange(id));
    return [...this.scanProblems, ...failed.map(([, { problem }]) => problem)];
  }
}
