/**
 * The watch of a device, as far as it is about news: the real decisions of client/agent/watch, at the simulation's time, over a channel that
 * is the simulation's. It says what to do next, and the world does it: one sync or one question at a time, as the loop of a watch.
 * When the folder changes is no part of it: syncs because of that are drawn, and whether they may look at the disk first is decided here.
 *
 * It also holds those decisions to their promise (I8). A notification changes nothing. A look because of one that was true follows the journal so
 * far. Looks because of ones that were not are no more than answered questions, and questions no more than there are reasons.
 */
import { errorToFailure } from '../../client/agent/watch/failure.ts';
import { type Look, News } from '../../client/agent/watch/news.ts';
import { pace } from '../../client/agent/watch/pace.ts';
import { Retries } from '../../client/agent/watch/retries.ts';
import { type Schedule, isChangeAll, planNext } from '../../client/agent/watch/schedule.ts';
import type { Timers } from '../../client/agent/watch/timers.ts';
import type { SyncReason } from '../../client/agent/watch/watch-state.ts';
import type { ChannelListener } from '../../client/agent/realtime/channel.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { type RealtimeEvent, decodeRealtimeEvent } from '../../shared/core/wire/realtime-event.ts';
import type { Agent, Ended } from './agent.ts';
import { Broken } from './broken.ts';
import type { DiskFaults } from './disk-faults.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

export interface DeviceWatchSetting {
  readonly agent: Agent;
  readonly faults: DiskFaults;
  readonly workspaceId: WorkspaceId;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly tally: Tally;
  /** Whether there is a realtime service. */
  readonly hasChannel: boolean;
}

/** What is under way, as it began. */
interface Begun {
  readonly look: Look;
  /** The workspace's head then. */
  readonly headSeq: number;
}

/** Undefined for what is no event. */
function read(message: Uint8Array): RealtimeEvent | undefined {
  try {
    return decodeRealtimeEvent(message);
  } catch (error) {
    if (isTidemarkError(error, 'malformed')) return undefined;
    throw error;
  }
}

export class DeviceWatch {
  readonly #setting: DeviceWatchSetting;
  readonly #timers: Timers;
  #retries: Retries;
  #news: News | undefined;
  #listener: ChannelListener | undefined;
  #reason: SyncReason | undefined;
  #isWaiting = false;
  #begun: Begun | undefined;
  /** Whether the service can be reached. */
  #isReachable = true;
  /** What was told of and was so, and was not followed yet. */
  readonly #told = new Set<number>();
  readonly #counts = { openings: 0, turns: 0, looks: 0, vain: 0, answers: 0, failures: 0 };
  readonly #beganMs: number;
  /** Questions that were begun. */
  questions = 0;

  constructor(setting: DeviceWatchSetting) {
    const { scheduler, random } = setting;
    this.#setting = setting;
    this.#beganMs = scheduler.nowMs;
    const now = (): number => scheduler.nowMs;
    this.#timers = { now, wall: now, random: () => random.unit(), after: () => () => undefined };
    this.#retries = new Retries(this.#timers);
  }

  /** Whether messages get here. */
  get isListening(): boolean {
    return this.#listener !== undefined && this.#isReachable;
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  /** The agent's process begins to watch, if it does not yet. */
  open(): void {
    if (this.#news !== undefined) return;
    const { agent, hasChannel, workspaceId } = this.#setting;
    this.#counts.openings++;
    this.#reason = undefined;
    this.#isWaiting = false;
    this.#retries = new Retries(this.#timers);
    // Nobody sleeps here: whatever stirs is seen after the step.
    this.#news = new News({ timers: this.#timers }, () => undefined);
    const seat = { report: () => undefined, progress: () => undefined, leave: () => (this.#listener = undefined) };
    const join = (listener: ChannelListener): typeof seat => {
      this.#listener = listener;
      return seat;
    };
    this.#news.open({
      workspaceId,
      deviceId: agent.deviceId,
      followedSeq: () => agent.journal.meta.head.seq,
      onUpload: () => () => undefined,
      ...(hasChannel ? { join } : {}),
    });
    this.#news.follow('idle');
    if (this.#isReachable) this.#turn(true);
  }

  /** It ends, or the process does. Returns whether it was open. */
  close(): boolean {
    const wasOpen = this.#news !== undefined;
    this.#news?.close();
    this.#news = undefined;
    this.#begun = undefined;
    return wasOpen;
  }

  setReachable(isReachable: boolean): void {
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    this.#turn(isReachable);
  }

  #turn(isLive: boolean): void {
    if (this.#listener === undefined) return;
    this.#counts.turns++;
    this.#listener.live(isLive);
  }

  /** A message arrives. `headSeq`: of the workspace, now. */
  hear(message: Uint8Array, headSeq: number): void {
    const event = read(message);
    const { agent, tally, workspaceId } = this.#setting;
    if (event === undefined) return;
    const isOurs = event.workspaceId === workspaceId;
    if (isOurs && event.kind === 'commit' && event.seq <= headSeq && event.seq > agent.journal.meta.head.seq) {
      this.#told.add(event.seq);
    }
    tally.check('I8');
    const before = this.#changes();
    this.#listener?.heard(event);
    if (this.#changes() !== before) throw new Broken('I8', `${agent.name} changed something because of a notification`);
  }

  /** Grows with every write to the journal and every call of the disk. */
  #changes(): number {
    const { agent, faults } = this.#setting;
    const { n } = agent.journal.database.get('SELECT total_changes() AS n')!;
    return Number(n) + faults.calls;
  }

  /** What to do now, if nothing is under way. */
  next(): SyncReason | 'poll' | undefined {
    if (this.#news === undefined) return undefined;
    const next = planNext(this.#schedule(this.#news), this.#timers.now());
    return 'do' in next ? next.do : undefined;
  }

  #schedule(news: News): Schedule {
    if (news.isDue()) this.#reason ??= 'news';
    return {
      state: this.#isWaiting ? 'waiting' : 'idle',
      reason: this.#reason,
      isWoken: false,
      changedAt: Infinity,
      scanAt: Infinity,
      pollAt: news.pollAt,
      retryAt: this.#retries.at,
    };
  }

  /** A sync begins, whatever the reason. Returns whether it looks at the disk first. */
  beginSync(headSeq: number, isChanged: boolean): boolean {
    if (this.#news === undefined) return false;
    // A failure's wait holds up what a change alone would begin.
    const looksFirst = isChanged && !this.#isWaiting && isChangeAll(this.#schedule(this.#news), this.#timers.now());
    this.#reason = undefined;
    this.#isWaiting = false;
    this.#retries.at = Infinity;
    this.#begun = { look: this.#news.begin(), headSeq };
    return looksFirst;
  }

  beginQuestion(headSeq: number): void {
    if (this.#news === undefined) return;
    this.questions++;
    this.#begun = { look: this.#news.ask(), headSeq };
    this.#checkQuestions();
  }

  /** What was begun has ended. */
  ended(end: Ended): void {
    const begun = this.#begun;
    this.#begun = undefined;
    if (this.#news === undefined || begun === undefined) return;
    switch (end.end) {
      case 'answered':
        this.#counts.answers++;
        this.#news.answered(begun.look);
        if (end.hasNews) this.#reason = 'news';
        break;
      case 'done':
        this.#retries.planAfter(end.report);
        if (!end.report.asked) break;
        this.#news.followed(begun.look, end.report.seq);
        this.#checkLook(begun, end.report.seq);
        break;
      case 'failed':
        this.#wait(end.error);
    }
  }

  /** What a person would have to see to, or would be opened again, is tried again here too: the faults end. */
  #wait(error: unknown): void {
    const failure = errorToFailure(error);
    const { code, message } = failure;
    const mayPass = failure.kind === 'passing' || failure.kind === 'refused';
    this.#counts.failures++;
    this.#reason = undefined;
    this.#isWaiting = true;
    this.#retries.planAfterFailure(mayPass ? failure : { kind: 'refused', code, message, everyMs: pace.absentMs });
  }

  #checkLook({ look: { claimedSeq }, headSeq }: Begun, followedSeq: number): void {
    if (claimedSeq === 0) return;
    const { agent, tally } = this.#setting;
    const counts = this.#counts;
    tally.check('I8');
    if (claimedSeq <= headSeq) {
      counts.looks++;
      if (followedSeq < claimedSeq)
        throw new Broken('I8', `${agent.name} was told of ${claimedSeq}, which there was, and followed ${followedSeq}`);
    } else if (claimedSeq > followedSeq) {
      counts.vain++;
    }
    if (counts.looks > this.#told.size || counts.vain > counts.answers + counts.openings) {
      const told = `${this.#told.size} that were true; ${JSON.stringify(counts)}`;
      throw new Broken('I8', `${agent.name} looks again and again because of notifications: ${told}`);
    }
  }

  #checkQuestions(): void {
    const { agent, scheduler, tally } = this.#setting;
    const { turns, vain, failures, openings } = this.#counts;
    tally.check('I8');
    const intervals = (scheduler.nowMs - this.#beganMs) / (0.8 * pace.pollMs);
    if (this.questions > turns + vain + failures + openings + intervals)
      throw new Broken('I8', `${agent.name} asks again and again: ${this.questions} times`);
  }
}
