/**
 * The watch of one folder: when to sync, and what to do when that fails. One loop moves it; nothing runs beside it.
 *
 *     opening -> idle <-> syncing -> waiting (tried again), halted (a person), revoked
 *        ^         any -> paused -> idle
 *        +---- the folder is gone: closed, looked for each minute (absent), opened again
 *
 * A sync is begun by: the start, a change of the folder when changes have paused, news at the server (news.ts; at once, also while changes
 * have not paused yet), the interval after which all of it is looked at, a wake from outside, the machine's waking up. One for a change alone
 * asks the server only if the folder differs: what a sync writes, the watcher tells of too.
 */
import type { ProgressEvent, SyncReport, SyncStatus } from '../engine/report.ts';
import { type Failure, errorToFailure } from './failure.ts';
import type { LiveFolder } from './live-folder.ts';
import { News, isFruitful } from './news.ts';
import { aboutMs, backoffMs, pace } from './pace.ts';
import { Quiet } from './quiet.ts';
import { Retries } from './retries.ts';
import { type Schedule, isChangeAll, planNext } from './schedule.ts';
import { Sleeper } from './sleeper.ts';
import type { SyncReason, WatchState, WatchView } from './watch-state.ts';
import type { WatchNeeds } from './watch-needs.ts';
import { newTally, tallyReport } from './watch-tally.ts';
import type { WatchTarget } from './watch-target.ts';
import { type WatchedTree, watchTree } from './watched-tree.ts';

/** The reason for which a sync is broken off when a pause begins. */
const pausing = new Error('the folder was paused');

type Step = 'go on' | 'reopen';

export class WatchLoop implements LiveFolder {
  readonly #needs: WatchNeeds;
  readonly #quiet = new Quiet();
  readonly #tally = newTally();
  readonly #sleeper: Sleeper;
  readonly #news: News;
  readonly #retries: Retries;
  #state: WatchState = { name: 'opening' };
  #target: WatchTarget | undefined;
  #tree: WatchedTree | undefined;
  #progress: ProgressEvent | null = null;
  /** As the newest sync left it. */
  #status: SyncStatus | undefined;
  #isEngineAtWork = false;
  #syncing: AbortController | undefined;
  /** Times in a row that the folder had to be opened again and could not be synced then. */
  #reopened = 0;
  #reason: SyncReason | undefined;
  #isWoken = false;
  #scanAt = Infinity;

  constructor(needs: WatchNeeds) {
    this.#needs = needs;
    this.#sleeper = new Sleeper(needs.timers);
    this.#news = new News(needs, () => this.#sleeper.stir());
    this.#retries = new Retries(needs.timers);
  }

  /** Resolves when the signal is aborted, what was at work has ended and the folder is closed. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#syncing?.abort(signal.reason);
      this.#sleeper.stir();
    };
    signal.addEventListener('abort', stop);
    while (!signal.aborted) {
      const target = await this.#open(signal);
      if (target !== undefined) await this.#drive(target, signal);
    }
    signal.removeEventListener('abort', stop);
    this.#enter({ name: 'stopped' });
  }

  view(): WatchView {
    return {
      state: this.#state,
      progress: this.#progress,
      watcher: this.#tree?.view() ?? { mode: 'polling', folders: 0, reason: null },
      realtime: this.#news.mode,
      changed: this.#quiet.dueAt !== Infinity,
      ...this.#tally,
      counts: { ...this.#tally.counts, heard: this.#news.heard, failures: { ...this.#tally.counts.failures } },
    };
  }

  /** At rest the marks are computed; while somebody is at work, what is known is told, and never as up to date. */
  async status(): Promise<SyncStatus> {
    const target = this.#target;
    if (target !== undefined && this.#isEngineAtWork) return target.status();
    if (target !== undefined && (!target.turns.isTaken || this.#status === undefined)) {
      const status = await target.turns.take(() => target.status());
      this.#status = status;
      return this.#quiet.dueAt === Infinity ? status : { ...status, upToDate: false };
    }
    if (this.#status === undefined) throw new Error('the folder is not open');
    return { ...this.#status, marks: { ...this.#status.marks, local: null }, upToDate: false };
  }

  pauseChanged(): void {
    if (this.#target?.getPause() !== undefined) this.#syncing?.abort(pausing);
    this.wake();
  }

  wake(): void {
    this.#reason ??= 'wake';
    this.#isWoken = true;
    this.#sleeper.stir();
  }

  #enter(state: WatchState): void {
    const isSame = JSON.stringify(this.#state) === JSON.stringify(state);
    this.#state = state;
    this.#news.follow(state.name);
    if (!isSame) this.#needs.tell({ type: 'state', state });
  }

  async #open(signal: AbortSignal): Promise<WatchTarget | undefined> {
    const { timers } = this.#needs;
    try {
      return await this.#needs.open(signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = errorToFailure(error);
      const { code, message } = failure;
      const isKnown =
        (this.#state.name === 'absent' || this.#state.name === 'waiting') && this.#state.message === message;
      if (!isKnown) this.#noteFailure(failure, error);
      const waitMs = aboutMs(pace.absentMs, timers.random());
      const untilMs = Math.round(timers.wall() + waitMs);
      this.#enter(
        failure.kind === 'reopen' ? { name: 'absent', message, untilMs } : { name: 'waiting', code, message, untilMs },
      );
      await this.#sleeper.until(timers.now() + waitMs);
      return undefined;
    }
  }

  /** Until the folder has to be opened anew, or the signal is aborted. */
  async #drive(target: WatchTarget, signal: AbortSignal): Promise<void> {
    this.#target = target;
    this.#reason = 'start';
    this.#retries.forget();
    const stopProgress = target.onProgress((event) => this.#noteProgress(event));
    this.#news.open(target);
    try {
      this.#enter({ name: 'idle' });
      this.#tree = await watchTree(target.root, this.#needs, {
        changed: (path) => {
          const isFirst = this.#quiet.dueAt === Infinity;
          this.#quiet.note(this.#needs.timers.now(), path);
          if (isFirst) this.#sleeper.stir();
        },
        lost: () => (this.#scanAt = Math.min(this.#scanAt, this.#needs.timers.now() + pace.pollingScanMs)),
        tell: (watcher) => this.#needs.tell({ type: 'watcher', watcher }),
      });
      let step: Step = 'go on';
      while (step === 'go on' && !signal.aborted) step = await this.#next(target, signal);
    } catch (error) {
      // A fault of ours in the watch itself: it begins anew.
      this.#noteFailure(errorToFailure(error), error);
    }
    stopProgress();
    this.#news.close();
    this.#tree?.close();
    this.#tree = undefined;
    this.#target = undefined;
    await target.close().catch((error: unknown) => this.#noteFailure(errorToFailure(error), error));
    const { timers } = this.#needs;
    if (!signal.aborted) await this.#sleeper.until(timers.now() + backoffMs(++this.#reopened, 0, timers.random()));
  }

  /** One step of the plan, or one wait. */
  async #next(target: WatchTarget, signal: AbortSignal): Promise<Step> {
    const pause = target.getPause();
    if (pause !== undefined) return this.#sitOut(target, pause.untilMs);
    if (this.#state.name === 'paused') this.#enter({ name: 'idle' });
    const next = planNext(this.#schedule(), this.#needs.timers.now());
    if ('do' in next) return this.#act(target, next.do, signal);
    if ((await this.#sleeper.until(next.waitUntil)) === 'slept' && this.#state.name !== 'halted') {
      this.#retries.forget();
      this.#reason ??= 'resumed';
      this.#isWoken = true;
    }
    return 'go on';
  }

  #schedule(): Schedule {
    if (this.#news.isDue()) this.#reason ??= 'news';
    return {
      state: this.#state.name,
      reason: this.#reason,
      isWoken: this.#isWoken,
      changedAt: this.#quiet.dueAt,
      scanAt: this.#scanAt,
      pollAt: this.#news.pollAt,
      retryAt: this.#retries.at,
    };
  }

  async #sitOut(target: WatchTarget, untilMs: number | null): Promise<Step> {
    const { timers } = this.#needs;
    const leftMs = untilMs === null ? Infinity : untilMs - timers.wall();
    if (leftMs <= 0) {
      target.clearPause();
      this.wake();
      return 'go on';
    }
    this.#enter({ name: 'paused', untilMs });
    await this.#sleeper.until(timers.now() + leftMs);
    return 'go on';
  }

  async #act(target: WatchTarget, what: SyncReason | 'poll', signal: AbortSignal): Promise<Step> {
    // Its own for each step, and no combination with one that lives as long as the process: that would keep everything that ever listened.
    const syncing = new AbortController();
    this.#syncing = syncing;
    try {
      signal.throwIfAborted();
      if (what !== 'poll') await this.#sync(target, what, syncing.signal);
      else if (await this.#poll(target, syncing.signal)) this.#reason = 'news';
      return 'go on';
    } catch (error) {
      return signal.aborted || syncing.signal.aborted ? 'go on' : this.#takeFailure(target.explain(error));
    } finally {
      this.#syncing = undefined;
      this.#progress = null;
      this.#news.report('idle');
      if (this.#state.name === 'syncing') this.#enter({ name: 'idle' });
    }
  }

  async #poll(target: WatchTarget, signal: AbortSignal): Promise<boolean> {
    const look = this.#news.ask();
    const hasNews = await target.hasNews(signal);
    this.#news.answered(look);
    this.#tally.lastHeardMs = this.#needs.timers.wall();
    this.#tally.counts.polls++;
    return hasNews;
  }

  async #sync(target: WatchTarget, reason: SyncReason, signal: AbortSignal): Promise<void> {
    const { timers, tell } = this.#needs;
    await this.#tree?.tend(reason, this.#quiet.changes);
    await target.turns.take(async () => {
      const began = timers.now();
      const looksFirst = reason === 'changed' && isChangeAll(this.#schedule(), began);
      // What changes from here on may be missed by the scan that begins now.
      this.#quiet.clear();
      this.#reason = undefined;
      this.#isWoken = false;
      this.#retries.at = Infinity;
      this.#enter({ name: 'syncing', reason });
      const look = this.#news.begin();
      this.#isEngineAtWork = true;
      const report = await target.sync(signal, { looksFirst }).finally(() => (this.#isEngineAtWork = false));
      if (report.asked) this.#news.followed(look, report.seq);
      this.#status = await target.status();
      const seconds = (timers.now() - began) / 1_000;
      tallyReport(this.#tally, report, { wallMs: timers.wall(), seconds });
      this.#planAfter(report);
      tell({ type: 'synced', report, reason, seconds });
    });
  }

  #noteProgress(event: ProgressEvent): void {
    this.#progress = event;
    if (this.#isEngineAtWork && isFruitful(event)) this.#news.report('syncing');
  }

  #planAfter(report: SyncReport): void {
    const { timers } = this.#needs;
    this.#reopened = 0;
    const scanMs = this.#tree?.view().mode === 'polling' ? pace.pollingScanMs : pace.scanMs;
    this.#scanAt = timers.now() + aboutMs(scanMs, timers.random());
    this.#retries.planAfter(report);
  }

  #takeFailure(error: unknown): Step {
    const failure = errorToFailure(error);
    this.#noteFailure(failure, error);
    this.#reason = undefined;
    this.#isWoken = false;
    const { code, message } = failure;
    if (failure.kind === 'reopen') return 'reopen';
    if (failure.kind === 'halted' || failure.kind === 'revoked') {
      this.#enter({ name: failure.kind, message });
      return 'go on';
    }
    const waitMs = this.#retries.planAfterFailure(failure);
    this.#enter({ name: 'waiting', code, message, untilMs: Math.round(this.#needs.timers.wall() + waitMs) });
    return 'go on';
  }

  #noteFailure(failure: Failure, error: unknown): void {
    const { failures } = this.#tally.counts;
    failures[failure.code] = (failures[failure.code] ?? 0) + 1;
    this.#needs.tell({ type: 'failed', failure, error });
  }
}
