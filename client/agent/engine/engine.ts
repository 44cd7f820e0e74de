/**
 * The engine: keeps one folder and one workspace the same. A sync goes in rounds until the three trees are equal:
 *
 *     send what a run before left unanswered
 *     round:  follow the journal; look at the disk (at first, and when it was found other than known);
 *             plan and carry out until nothing can be done
 *     end:    at rest, the marks of the trees must be the workspace's, to the byte
 *
 * A sync for a change of the disk that may be its own doing looks at the disk before all that, and ends there if nothing differs.
 *
 * Every step leaves the journal in a state from which the next sync goes on, so a crash anywhere is harmless: requests are
 * written down before they are sent and answered the same when sent again; changes of the disk are written down before they
 * are made; and what is found equal on both sides is taken as equal, however it came to be.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { computeLocalMark, rebuildSyncedMark, updateSyncedMark } from '../journal/marks.ts';
import type { Journal } from '../journal/journal.ts';
import type { Problem, TransferCount } from '../ports.ts';
import { resendOutbox } from './commit.ts';
import { runRound } from './converge.ts';
import type { Plan } from '../plan/plan.ts';
import type { EngineNeeds } from './needs.ts';
import { planAhead } from './plan-ahead.ts';
import { followSelection } from '../select/follow-selection.ts';
import { Selection } from '../select/selection.ts';
import { leaveUnwanted } from './leave-unwanted.ts';
import { applyRulesFirst } from './rules-first.ts';
import { pullChanges } from './pull.ts';
import type { SyncReport, SyncStatus } from './report.ts';
import { scanFolder } from './scan.ts';
import { StateHolder } from './state.ts';
import { type SyncOptions, SyncRun } from './sync-run.ts';

/** Rounds of one sync. Two or three do; others mean that somebody keeps changing things, or a fault. */
const roundsMax = 50;
/** Rounds after which files that change all the time are left for the next sync. */
const busyRoundsMax = 3;
/** The map's nodes are compacted when there are this many times as many as the newest two marks need. */
const compactionFactor = 4;
const compactionNodesMin = 4_096;

export interface Engine {
  /**
   * Brings folder and workspace together. Resolves when nothing more can be done; `upToDate` says whether they are equal.
   * @throws TidemarkError `halted` (mass deletion, lost root), `bad-signature`, `unavailable` and others of the API; the
   * signal's reason when aborted. After any of them the next sync goes on.
   */
  sync(signal: AbortSignal, options?: SyncOptions): Promise<SyncReport>;
  /** What a sync would do first, without doing it: follows the journal and looks at the disk. At most 20,000 nodes a side. */
  dryRun(signal: AbortSignal, options?: SyncOptions): Promise<Plan>;
  /** Looks at the disk alone, as where the server cannot be reached; `status` then tells of what it found. */
  look(signal: AbortSignal): Promise<void>;
  status(): Promise<SyncStatus>;
}

export function createEngine(needs: EngineNeeds): Engine {
  const states = new StateHolder();
  let problems: readonly Problem[] = [];
  let nodesAfterCompaction = compactionNodesMin;
  let running = false;

  async function exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (running) throw new TidemarkError('in-progress', 'this folder is being synced already');
    running = true;
    try {
      return await work();
    } finally {
      running = false;
      states.enter({ name: 'idle' });
    }
  }

  function tidy(journal: Journal): void {
    if (journal.mapNodes.count() <= compactionFactor * nodesAfterCompaction) return;
    journal.mapNodes.compact([journal.meta.head.root, journal.meta.syncedRoot]);
    journal.contents.prune();
    journal.sha256.prune();
    nodesAfterCompaction = Math.max(compactionNodesMin, journal.mapNodes.count());
  }

  async function sync(signal: AbortSignal, options: SyncOptions = {}): Promise<SyncReport> {
    const run = new SyncRun(needs, states, signal, options);
    const before = { ...needs.transfer.count };
    try {
      await needs.folder.open();
      const asks = options.looksFirst !== true || !(await isAsFollowed(run));
      if (asks) {
        await resendOutbox(run);
        await runRounds(run);
      }
      const upToDate = await isUpToDate(needs.journal);
      if (asks) tidy(needs.journal);
      problems = run.problems();
      needs.log.info({ rounds: run.tally.rounds, upToDate, problems: problems.length }, 'synced');
      return toReport(run, before, { asked: asks, upToDate });
    } finally {
      problems = run.problems();
    }
  }

  async function dryRun(signal: AbortSignal, options: SyncOptions = {}): Promise<Plan> {
    const run = new SyncRun(needs, states, signal, options);
    await needs.folder.open();
    await pullChanges(run);
    await scanFolder(run);
    followSelection(needs);
    problems = run.problems();
    return planAhead(run);
  }

  async function look(signal: AbortSignal): Promise<void> {
    const run = new SyncRun(needs, states, signal, {});
    await needs.folder.open();
    await scanFolder(run);
    followSelection(needs);
    problems = run.problems();
  }

  async function status(): Promise<SyncStatus> {
    const { meta, listings, conflicts } = needs.journal;
    const pending = { local: listings.countLocalChanges(), remote: listings.countRemoteChanges() };
    const selection = new Selection(needs.journal);
    const isAtRest = !running && pending.local + pending.remote + selection.pending().length === 0;
    const local = isAtRest
      ? await updateSyncedMark(needs.journal)
      : running
        ? null
        : await computeLocalMark(needs.journal);
    const synced = local === null ? null : meta.syncedRoot;
    const head = meta.head;
    return {
      state: states.state,
      seq: head.seq,
      marks: { local, synced, remote: head.root },
      pending,
      problems,
      conflicts: conflicts.list(),
      excluded: selection.excludedHere().length,
      upToDate: isAtRest && local === head.root && !problems.some(hinders),
    };
  }

  return {
    sync: (signal, options) => exclusively(() => sync(signal, options)),
    dryRun: (signal, options) => exclusively(() => dryRun(signal, options)),
    look: (signal) => exclusively(() => look(signal)),
    status,
  };
}

/** Looks at the disk: whether it is what the workspace was when it was followed last, and nothing is owed to the server. */
async function isAsFollowed(run: SyncRun): Promise<boolean> {
  const { journal } = run.needs;
  if (journal.outbox.first() !== undefined) return false;
  await scanFolder(run);
  followSelection(run.needs);
  return !run.rescan && (await isUpToDate(journal));
}

async function runRounds(run: SyncRun): Promise<void> {
  const { listings } = run.needs.journal;
  let busyRounds = 0;
  for (let round = 1; round <= roundsMax; round++) {
    run.tally.rounds = round;
    await pullChanges(run);
    if (run.rescan) await scanFolder(run);
    followSelection(run.needs);
    if (await applyRulesFirst(run)) {
      run.rescan = true;
      continue;
    }
    const done = (await leaveUnwanted(run)) + (await runRound(run));
    if (run.rescan && ++busyRounds >= busyRoundsMax) return;
    if (run.rescan) continue;
    const isAtRest = listings.countLocalChanges() + listings.countRemoteChanges() === 0;
    if (done === 0 || (isAtRest && new Selection(run.needs.journal).pending().length === 0)) return;
  }
  throw new TidemarkError('internal', 'the folder and the workspace do not come together; please report this', {
    data: { rounds: roundsMax },
  });
}

/** Whether the trees are equal, proved by their marks. A mark that is not as it must be is computed anew before it is believed. */
async function isUpToDate(journal: Journal): Promise<boolean> {
  const { listings, meta } = journal;
  if (listings.countLocalChanges() + listings.countRemoteChanges() > 0) return false;
  if (meta.head.seq < meta.seenSeq) return false;
  if (new Selection(journal).pending().length > 0) return false;
  if ((await updateSyncedMark(journal)) === meta.head.root) return true;
  if ((await rebuildSyncedMark(journal)) === meta.head.root) {
    throw new TidemarkError('internal', 'the mark of the folder went wrong; the folder itself is right');
  }
  throw new TidemarkError('corrupt', "the agent's journal does not give the workspace's mark", {
    data: { journal: true },
  });
}

/** What is left out on purpose (a FIFO, a link where links are skipped) is told, and keeps nothing from being up to date. */
function hinders({ code }: Problem): boolean {
  return code !== 'special';
}

interface Verdict {
  readonly asked: boolean;
  readonly upToDate: boolean;
}

function toReport(run: SyncRun, before: TransferCount, { asked, upToDate }: Verdict): SyncReport {
  const { count } = run.needs.transfer;
  const { seq, root } = run.needs.journal.meta.head;
  return {
    ...run.tally,
    files: upToDate ? run.needs.journal.listings.countSyncedFiles() : run.tally.files,
    chunksNew: count.chunksNew - before.chunksNew,
    bytesSent: count.bytesSent - before.bytesSent,
    bytesReceived: count.bytesReceived - before.bytesReceived,
    requests: count.requests - before.requests,
    seq,
    root,
    asked,
    upToDate: upToDate && !run.scanProblems.some(hinders),
    problems: run.problems(),
  };
}
