/**
 * Whether the server has what the folder has not: heard over the realtime channel, or asked for at intervals.
 *
 * An event is a claim and no more: "the workspace is at seq". One above what the folder has followed is a reason for one sync, whose own
 * first request asks the journal; no question is asked before it. A claim that a sync was begun after and that the journal did not bear
 * out was a lie, or came ahead of a replica of the store. Then no event is believed until the next question was answered, which
 * comes soon after the first such event and later and later after more: whatever is sent, looks in vain are about as rare as polls. What is
 * told after the question was sent may be newer than its answer, so it is kept, and believed when the answer is here.
 *
 * While events arrive the questions are far apart; what happened while they did not is asked for at once when they begin. When they end, each
 * agent asks at a time of its own within one interval: those that lost the same service do not come together.
 *
 * The seat at the channel is had while the folder would sync. A paused one, and one that a person has to see to, leaves: it takes nothing in, and
 * others see it as away, not as up to date.
 */
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import type { ProgressEvent } from '../engine/report.ts';
import type { ChannelSeat } from '../realtime/channel.ts';
import { aboutMs, pace } from './pace.ts';
import type { WatchNeeds } from './watch-needs.ts';
import type { RealtimeMode, WatchStateName } from './watch-state.ts';
import type { WatchTarget } from './watch-target.ts';

/** What it needs of the folder. */
export type NewsTarget = Pick<WatchTarget, 'workspaceId' | 'deviceId' | 'followedSeq' | 'join' | 'onUpload'>;

/** A question that is under way, or a sync, as it began. */
export interface Look {
  /** What was claimed and not known yet; zero for nothing. */
  readonly claimedSeq: number;
  readonly asks: number;
}

/** Files that a scan finds though nothing changed, since their times could not prove it, are fewer. */
const foundForNothingMax = 1_000;

/** Whether a sync that tells this is more than a look that finds nothing. */
export function isFruitful({ phase, done, total }: ProgressEvent): boolean {
  if (phase === 'scanning') return total === 0 && done > foundForNothingMax;
  return phase === 'uploading' || phase === 'committing' || (phase === 'replaying' && total > 0);
}

const seatless: ReadonlySet<WatchStateName> = new Set(['opening', 'absent', 'paused', 'halted', 'revoked', 'stopped']);

export class News {
  readonly #needs: Pick<WatchNeeds, 'timers' | 'pollMs'>;
  readonly #stir: () => void;
  #target: NewsTarget | undefined;
  #seat: ChannelSeat | undefined;
  #stopUploads: (() => void) | undefined;
  #reported: 'idle' | 'syncing' = 'idle';
  #isLive = false;
  /** The highest seq that was told of and is not known to be wrong. */
  #claimedSeq = 0;
  #isDoubting = false;
  /** The highest seq that was told of in doubt, since the newest question was sent. */
  #toldSinceAsked = 0;
  /** Claims in a row that were not borne out. */
  #lies = 0;
  /** Times that events began or ended to arrive: what was planned then stands against a look that had begun before. */
  #asks = 0;
  #pollAt = Infinity;
  /** Events about the workspace, of whatever kind. */
  heard = 0;

  /** `stir`: there may be a reason to act now. */
  constructor(needs: Pick<WatchNeeds, 'timers' | 'pollMs'>, stir: () => void) {
    this.#needs = needs;
    this.#stir = stir;
  }

  get mode(): RealtimeMode {
    if (this.#target?.join === undefined) return 'off';
    return this.#isLive ? 'live' : 'polling';
  }

  get pollAt(): number {
    return this.#pollAt;
  }

  /** The folder is open. */
  open(target: NewsTarget): void {
    this.#target = target;
    this.#claimedSeq = 0;
    this.#isDoubting = false;
  }

  close(): void {
    this.#leave();
    this.#target = undefined;
    this.#pollAt = Infinity;
  }

  /** The watch is in this state from now on. */
  follow(state: WatchStateName): void {
    if (this.#target?.join === undefined) return;
    if (seatless.has(state)) this.#leave();
    else if (this.#seat === undefined) this.#join(this.#target);
  }

  report(state: 'idle' | 'syncing'): void {
    if (this.#seat === undefined || state === this.#reported) return;
    this.#reported = state;
    this.#seat.report(state);
  }

  /** Whether there is news to be fetched. Throws what the journal throws. */
  isDue(): boolean {
    return this.#target !== undefined && this.#claimedSeq > this.#target.followedSeq();
  }

  /** A sync begins. */
  begin(): Look {
    return { claimedSeq: this.isDue() ? this.#claimedSeq : 0, asks: this.#asks };
  }

  /** A question is sent. */
  ask(): Look {
    this.#toldSinceAsked = 0;
    return this.begin();
  }

  /** The question was answered. One that was not ends no doubt. */
  answered({ asks }: Look): void {
    if (this.#isDoubting) this.#claimedSeq = this.#toldSinceAsked;
    this.#isDoubting = false;
    this.#planPoll(asks);
  }

  /** The sync has followed the journal up to `seq`. */
  followed({ claimedSeq, asks }: Look, seq: number): void {
    if (claimedSeq > seq) this.#doubt();
    else if (claimedSeq > 0) this.#lies = 0;
    if (!this.#isDoubting) this.#planPoll(asks);
  }

  #doubt(): void {
    const { timers, pollMs = pace.pollMs } = this.#needs;
    this.#isDoubting = true;
    this.#claimedSeq = 0;
    const waitMs = Math.min(pollMs, pace.doubtMs * 2 ** Math.min(this.#lies++, 16));
    this.#pollAt = Math.min(this.#pollAt, timers.now() + aboutMs(waitMs, timers.random()));
  }

  #planPoll(asks: number): void {
    if (asks !== this.#asks) return;
    const { timers, pollMs } = this.#needs;
    const everyMs = pollMs ?? (this.#isLive ? pace.livePollMs : pace.pollMs);
    this.#pollAt = timers.now() + aboutMs(everyMs, timers.random());
  }

  #join(target: NewsTarget): void {
    this.#isLive = false;
    this.#reported = 'idle';
    const seat = target.join!({
      heard: (event) => this.#hear(target, event),
      live: (isLive) => this.#turn(isLive),
    });
    this.#seat = seat;
    seat.report('idle');
    this.#stopUploads = target.onUpload((sessionId, percent) => seat.progress(sessionId, percent));
  }

  #leave(): void {
    this.#stopUploads?.();
    this.#seat?.leave();
    this.#seat = undefined;
    this.#isLive = false;
  }

  /** Presence and progress are for people. What this device committed it has followed, with all that came before it. */
  #hear(target: NewsTarget, event: RealtimeEvent): void {
    if (event.workspaceId !== target.workspaceId) return;
    this.heard++;
    if (event.kind !== 'commit' || event.deviceId === target.deviceId) return;
    if (this.#isDoubting) {
      this.#toldSinceAsked = Math.max(this.#toldSinceAsked, event.seq);
      return;
    }
    if (event.seq <= this.#claimedSeq) return;
    this.#claimedSeq = event.seq;
    this.#stir();
  }

  #turn(isLive: boolean): void {
    const { timers, pollMs = pace.pollMs } = this.#needs;
    if (!isLive && !this.#isLive) return;
    this.#isLive = isLive;
    const now = timers.now();
    // Told once more that events arrive, there may have been a gap before.
    this.#pollAt = isLive ? now : Math.min(this.#pollAt, now + timers.random() * pollMs);
    this.#asks++;
    this.#stir();
  }
}
