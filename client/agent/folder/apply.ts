/**
 * Application: carries a plan's actions out on this disk, in their order, in batches. Of a batch first all content is
 * written to temp files, then everything is flushed at once, then the actions are done (carry-out.ts) and their folders
 * flushed. Durability is batched, never skipped: a flush of the disk for each file would
 * cost more than all the rest of the work.
 *
 * Files for which there is no room above the reserve are left out and reported `full`; the others are written. A disk that is found
 * full while it is written to pauses everything: what was not done is reported `full`, and no temp file stays behind. When the server
 * or the network fails, what was done so far is reported as done and the rest as `busy`; only if nothing was done does it throw. What
 * was written of large files is kept then (partial-files.ts), and the next application goes on from there.
 */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { FileSystem } from '../file-system.ts';
import type { ContentChunks } from '../model.ts';
import type { ApplyAction, ApplyResult, LocalKnowledge, Problem } from '../ports.ts';
import type { DownloadJob } from '../transfer/download.ts';
import { settleAll } from '../transfer/settle-all.ts';
import type { Executor } from '../workers/executor.ts';
import type { OwnChange, Step } from './applier.ts';
import type { StepResult } from './carry-out.ts';
import { tempPath } from './control-folder.ts';
import { fileErrorCode, isFull } from './file-problem.ts';
import { downloadTempPath, findPartial, keepPartials, removePartial, removePartials } from './partial-files.ts';

/** Writes contents under temporary names: transfer/download.ts. */
export interface ContentSource {
  writeTemps(jobs: readonly DownloadJob[]): Promise<(Problem | null)[]>;
  noteInPlace(job: DownloadJob): void;
  chunksOf(job: DownloadJob): ContentChunks | null;
}

export interface ApplySetting {
  readonly fs: FileSystem;
  readonly executor: Executor;
  readonly root: string;
  readonly source: (knowledge: LocalKnowledge, signal: AbortSignal) => ContentSource;
  /** Room that an application leaves on the disk, so that the user's own work does not hit its end. */
  readonly reserveBytes: number;
  /** Whether links of the workspace are not made here. */
  readonly skipsLinks: boolean;
}

/** One batch: what shares a flush. A single larger file is a batch of its own. */
const batchActionsMax = 4_096;
const batchBytesMax = 64 * 1024 * 1024;
/** So few files are flushed one by one: cheaper than the whole file system, where others may be writing gigabytes. */
const filesFlushedEachMax = 8;

type Outcome = StepResult;

function problem(path: string, code: Problem['code'], detail: string): Outcome {
  return { problem: { path, code, detail } };
}

function bytesOf(action: ApplyAction): number {
  return action.kind === 'write-file' ? action.size : 0;
}

function* batchesOf(actions: readonly ApplyAction[]): Generator<ApplyAction[]> {
  let batch: ApplyAction[] = [];
  let bytes = 0;
  for (const action of actions) {
    if (batch.length >= batchActionsMax || (batch.length > 0 && bytes + bytesOf(action) > batchBytesMax)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(action);
    bytes += bytesOf(action);
  }
  if (batch.length > 0) yield batch;
}

class Application {
  readonly #setting: ApplySetting;
  readonly #source: ContentSource;
  readonly #signal: AbortSignal;
  readonly #results: ApplyResult[] = [];
  #own: readonly OwnChange[] = [];
  #unmade: readonly Problem[] = [];
  #temps = 0;
  #done = 0;

  constructor(setting: ApplySetting, knowledge: LocalKnowledge, signal: AbortSignal) {
    this.#setting = setting;
    this.#source = setting.source(knowledge, signal);
    this.#signal = signal;
  }

  async run(actions: readonly ApplyAction[]): Promise<readonly ApplyResult[]> {
    try {
      for (const batch of batchesOf(actions)) {
        this.#signal.throwIfAborted();
        const isRoomLeft = await this.#applyBatch(batch);
        if (!isRoomLeft) return this.#giveUp(actions, 'full', 'not attempted: the disk is full');
      }
    } catch (error) {
      const isOutside = isTidemarkError(error) || this.#signal.aborted;
      if (this.#done === 0 || !isOutside) throw error;
      return this.#giveUp(actions, 'busy', error instanceof Error ? error.message : 'stopped');
    }
    return this.#results;
  }

  /** Reports what was not done. */
  #giveUp(actions: readonly ApplyAction[], code: Problem['code'], detail: string): readonly ApplyResult[] {
    for (const { nodeId, path } of actions.slice(this.#results.length)) {
      this.#results.push({ nodeId, done: false, problem: { path, code, detail } });
    }
    return this.#results;
  }

  /** False when the disk is full. */
  async #applyBatch(actions: readonly ApplyAction[]): Promise<boolean> {
    const temps = actions.map((action) => this.#tempFor(action));
    const jobs = this.#jobsOf(actions, temps);
    const outcomes = this.#leaveOut(jobs);
    this.#leaveOutLinks(actions, outcomes);
    const leftOut = new Set(outcomes.keys());
    try {
      await this.#prepare(jobs, outcomes);
      const until = placeOfFull(outcomes, leftOut) ?? actions.length;
      await this.#carryOut(actions, temps, outcomes, until);
      return this.#report(actions, outcomes, jobs, leftOut);
    } catch (error) {
      const { fs, root } = this.#setting;
      const begun = temps.filter((temp) => temp !== null);
      keepPartials(fs, root, begun);
      throw error;
    }
  }

  #tempFor(action: ApplyAction): string | null {
    const unique = (this.#temps++).toString(36);
    if (action.kind === 'make-symlink') return tempPath(unique);
    return action.kind === 'write-file' ? downloadTempPath(unique, action.content, action.size) : null;
  }

  #jobsOf(actions: readonly ApplyAction[], temps: readonly (string | null)[]): Map<number, DownloadJob> {
    const { fs, root } = this.#setting;
    const jobs = new Map<number, DownloadJob>();
    for (const [i, action] of actions.entries()) {
      if (action.kind !== 'write-file') continue;
      const partial = findPartial(fs, root, action.content, action.size);
      jobs.set(i, { ...action, temp: temps[i]!, ...(partial !== undefined && { partial }) });
    }
    return jobs;
  }

  async #discard(temps: readonly (string | null)[]): Promise<void> {
    const paths = temps.filter((temp) => temp !== null);
    const { executor, root } = this.#setting;
    if (paths.length > 0) await executor.run('discardFiles', { root, handles: [], paths });
  }

  /** Takes out files for which there is no room, in their order: a smaller one after them may fit. Their outcomes, by place. */
  #leaveOut(jobs: Map<number, DownloadJob>): Map<number, Outcome> {
    const outcomes = new Map<number, Outcome>();
    if (jobs.size === 0) return outcomes;
    const { fs, root, reserveBytes } = this.#setting;
    let room = fs.freeBytes(root) - reserveBytes;
    const wantedBytes = [...jobs.values()].reduce((sum, { size }) => sum + size, 0);
    if (wantedBytes > room) {
      // Better fetched again than not at all.
      removePartials(fs, root);
      room = fs.freeBytes(root) - reserveBytes;
    }
    for (const [place, { path, size }] of jobs) {
      if (size <= room) {
        room -= size;
        continue;
      }
      jobs.delete(place);
      const lacking = size - Math.max(0, room);
      const detail = `the disk lacks ${lacking} bytes for it, with ${reserveBytes} bytes kept free; it comes when there is room`;
      outcomes.set(place, problem(path, 'full', detail));
    }
    return outcomes;
  }

  #leaveOutLinks(actions: readonly ApplyAction[], outcomes: Map<number, Outcome>): void {
    if (!this.#setting.skipsLinks) return;
    for (const [place, { kind, path }] of actions.entries()) {
      if (kind === 'make-symlink') outcomes.set(place, problem(path, 'special', 'links are not synced to this folder'));
    }
  }

  /** Writes and flushes the temp files. Adds what is known by then of some actions, by place: problems. */
  async #prepare(jobs: ReadonlyMap<number, DownloadJob>, outcomes: Map<number, Outcome>): Promise<void> {
    if (jobs.size === 0) return;
    const faults = await this.#source.writeTemps([...jobs.values()]);
    const written: DownloadJob[] = [];
    for (const [i, [place, job]] of [...jobs].entries()) {
      const fault = faults[i] ?? null;
      if (fault === null) written.push(job);
      else outcomes.set(place, { problem: fault });
    }
    const temps = written.map(({ temp }) => temp);
    const flushFault = await this.#flush(temps);
    if (flushFault === undefined) return;
    for (const [place, { path }] of jobs) {
      if (!outcomes.has(place)) outcomes.set(place, problem(path, flushFault.code, flushFault.detail));
    }
    await this.#discard(temps);
  }

  /** Undefined when all is on the disk; else why not. */
  async #flush(paths: readonly string[]): Promise<Pick<Problem, 'code' | 'detail'> | undefined> {
    const { executor, root } = this.#setting;
    try {
      const isFew = paths.length <= filesFlushedEachMax;
      if (!isFew && (await executor.run('flushFiles', { root, paths: [] }))) return undefined;
      const share = Math.max(1, Math.ceil(paths.length / executor.width));
      const flushes: Promise<unknown>[] = [];
      for (let i = 0; i < paths.length; i += share) {
        flushes.push(executor.run('flushFiles', { root, paths: paths.slice(i, i + share) }));
      }
      await settleAll(flushes);
      return undefined;
    } catch (error) {
      if (fileErrorCode(error) === undefined || !(error instanceof Error)) throw error;
      const detail = `what was written is not known to be on the disk: ${error.message}`;
      return { code: isFull(error) ? 'full' : 'unreadable', detail };
    }
  }

  /** Does what can be done of the first `until` actions; notes the outcomes. */
  async #carryOut(
    actions: readonly ApplyAction[],
    temps: readonly (string | null)[],
    outcomes: Map<number, Outcome>,
    until: number,
  ): Promise<void> {
    const steps: Step[] = [];
    const placeOfStep: number[] = [];
    for (let i = 0; i < until; i++) {
      if (outcomes.has(i)) continue;
      steps.push({ action: actions[i]!, temp: temps[i]! });
      placeOfStep.push(i);
    }
    const { executor, root } = this.#setting;
    const output = await executor.run('carryOut', { root, steps, own: this.#own, unmade: this.#unmade });
    this.#own = output.own;
    this.#unmade = output.unmade;
    for (const [i, result] of output.results.entries()) outcomes.set(placeOfStep[i]!, result);
    await this.#discard(temps.slice(until));
  }

  /** Adds results up to the first that found the disk full; false if one did. */
  #report(
    actions: readonly ApplyAction[],
    outcomes: ReadonlyMap<number, Outcome>,
    jobs: ReadonlyMap<number, DownloadJob>,
    leftOut: ReadonlySet<number>,
  ): boolean {
    for (const [i, { nodeId }] of actions.entries()) {
      const outcome = outcomes.get(i);
      if (outcome === undefined) return false;
      if ('problem' in outcome) {
        this.#results.push({ nodeId, done: false, problem: outcome.problem });
        if (outcome.problem.code === 'full' && !leftOut.has(i)) return false;
        continue;
      }
      const job = jobs.get(i);
      if (job !== undefined) this.#source.noteInPlace(job);
      if (job?.partial !== undefined) removePartial(this.#setting.fs, this.#setting.root, job.partial);
      const chunks = job === undefined ? null : this.#source.chunksOf(job);
      this.#results.push({ nodeId, done: true, stat: outcome.stat, chunks });
      this.#done++;
    }
    return true;
  }
}

/** The first place at which the disk was found full. */
function placeOfFull(outcomes: ReadonlyMap<number, Outcome>, leftOut: ReadonlySet<number>): number | undefined {
  let first: number | undefined;
  for (const [place, outcome] of outcomes) {
    if (leftOut.has(place)) continue;
    if ('problem' in outcome && outcome.problem.code === 'full') first = Math.min(place, first ?? place);
  }
  return first;
}

/** See `Folder.apply`: a result for each action, in their order. */
export function applyActions(
  setting: ApplySetting,
  actions: readonly ApplyAction[],
  knowledge: LocalKnowledge,
  signal: AbortSignal,
): Promise<readonly ApplyResult[]> {
  return new Application(setting, knowledge, signal).run(actions);
}
