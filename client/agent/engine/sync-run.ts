/** What the steps of one sync share: the world, the figures so far, and what went wrong. */
import type { NodeId } from '../../../shared/core/ids.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { JournalIdentity } from '../journal/meta-table.ts';
import { pathOf } from '../journal/paths.ts';
import type { Problem } from '../ports.ts';
import { Selection } from '../select/selection.ts';
import { type ConflictRules, fetchConflictRules } from './conflict-rules.ts';
import type { EngineNeeds } from './needs.ts';
import { type ProgressEvent, type Tally, newTally } from './report.ts';
import type { EngineState, StateHolder } from './state.ts';

export interface SyncOptions {
  /** A person said that the mass deletion is meant. */
  readonly massDeletionAllowed?: boolean;
  /**
   * Begins with the disk, and asks the server only if something differs from what was followed, or is owed. For a sync whose only reason
   * is that the disk may have changed. `asked` of the report tells whether it did.
   */
  readonly looksFirst?: boolean;
}

/** Commits in a row that may be refused because the workspace had moved on. From the third on each waits longer, up to this. */
const staleMax = 32;
/** Links that are told one by one. */
const leftOutListedMax = 1_000;
const staleWaitMs = { first: 50, max: 2_000 } as const;

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
  #rules: Promise<ConflictRules> | undefined;
  /** Whether the disk was found other than known, so that it has to be looked at again. */
  rescan = true;
  /** What the newest scan found the disk to do with names that differ only in case or Unicode form. */
  foldsNames = false;
  /** The disk is full: no more files are written in this sync. */
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

  /**
   * A commit on an old state was refused: it may be planned again on the newest. Devices that keep overtaking each other draw apart
   * by waiting, each for a random while. Throws `busy` when none of that helped.
   */
  async allowStale(): Promise<void> {
    this.#stale++;
    if (this.#stale > staleMax) {
      throw new TidemarkError('busy', 'the workspace changes faster than this folder can follow; try again later');
    }
    if (this.#stale < 3) return;
    const { randomness, sleep } = this.needs;
    const waitMs = Math.min(staleWaitMs.max, staleWaitMs.first * 2 ** (this.#stale - 3));
    const share = randomness.bytes(1)[0]! / 255;
    await sleep((waitMs * (1 + share)) / 2, this.signal);
  }

  /** A commit went through. */
  noteCommitted(): void {
    this.#stale = 0;
  }

  /** Throws what the server and the network throw. */
  conflictRules(): Promise<ConflictRules> {
    this.#rules ??= fetchConflictRules(this.needs, this.identity, this.signal);
    return this.#rules;
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

  /** What the scan could not take, failures of nodes that still differ, and links that were left out. */
  problems(): Problem[] {
    const { trees } = this.needs.journal;
    const selection = new Selection(this.needs.journal);
    const failed = [...this.#failures].filter(([id]) => {
      return trees.isLocalChange(id) || trees.isRemoteChange(id) || selection.isToLeave(id);
    });
    return [...this.scanProblems, ...failed.map(([, { problem }]) => problem), ...this.#leftOutLinks(selection)];
  }

  #leftOutLinks(selection: Selection): Problem[] {
    const { folder, journal } = this.needs;
    if (!folder.skipsLinks) return [];
    const links = journal.listings.unselectedLinks(leftOutListedMax).filter((id) => !selection.isUnwanted(id));
    return links.map((id) => {
      const path = pathOf(id, (each) => journal.trees.getRemote(each)) ?? id;
      return { path, code: 'special', detail: 'a link of the workspace; this folder skips links' };
    });
  }
}
