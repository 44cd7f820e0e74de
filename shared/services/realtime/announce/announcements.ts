/**
 * Sends events to the groups of their workspaces: under each key one at a time, and one in `announcePaceMs` at most, counted from where it
 * began; of all keys so many at once. The rest wait, and grow newer while they do. What is sent of a workspace's commits never goes back, unless the workspace was long forgotten (newest-commits.ts). What fails
 * is not sent again: the next event tells more than it did, and clients look from time to time anyway.
 */
import type { TidemarkError } from '../../../core/errors.ts';
import type { WorkspaceId } from '../../../core/ids.ts';
import { limits } from '../../../core/limits.ts';
import { type CommitEvent, type RealtimeEvent, encodeRealtimeEvent } from '../../../core/wire/realtime-event.ts';
import type { Clock, Timers } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { Metrics } from '../../../ports/metrics.ts';
import { type Notifier, groupOfWorkspace } from '../../../ports/notifier.ts';
import { errorCodeOf } from './error-code.ts';
import { NewestCommits } from './newest-commits.ts';
import { RestingKeys } from './resting-keys.ts';
import { withinTime } from './time-limit.ts';
import { type Announcement, WaitingEvents, keyOf } from './waiting-events.ts';

/** The service takes a message in milliseconds; one that hangs must not keep a place from others for longer. */
const sendMsMax = 5_000;

export interface AnnouncementNeeds {
  readonly notifier: Pick<Notifier, 'send'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
}

type Outcome = 'sent' | 'coalesced' | 'dropped' | 'failed';

export class Announcements {
  readonly #needs: AnnouncementNeeds;
  readonly #waiting = new WaitingEvents(limits.announcementsPendingMax);
  readonly #sending = new Map<string, Announcement>();
  readonly #resting: RestingKeys;
  readonly #newest = new NewestCommits(limits.announcementsPendingMax);
  /** Events that were lost, one way or the other, since one was sent or nothing waited. */
  readonly #lost = { failed: 0, dropped: 0 };

  constructor(needs: AnnouncementNeeds) {
    this.#needs = needs;
    const freed = (key: string): void => this.#freed(key);
    this.#resting = new RestingKeys(needs.timers, limits.announcePaceMs, limits.announcementsPendingMax, freed);
  }

  /**
   * Resolves when the event, or a newer one in its place, was sent, failed, or was dropped; at once when it waits for the one before under
   * its key, or for the pace. Never rejects.
   */
  announce(event: RealtimeEvent): Promise<void> {
    return event.kind === 'commit' ? this.#announceCommit(event) : this.#put(keyOf(event), event);
  }

  forget(workspaceId: WorkspaceId): void {
    this.#newest.forget(workspaceId);
  }

  /** One that comes late gives its chance to the newer one, if that was lost. */
  #announceCommit(event: CommitEvent): Promise<void> {
    const key = keyOf(event);
    const known = this.#newest.get(event.workspaceId);
    const isLate = known !== undefined && known.event.seq > event.seq;
    const word = isLate ? known.event : event;
    const standing = this.#waiting.get(key) ?? this.#sending.get(key);
    const isOnItsWay = standing?.event.kind === 'commit' && standing.event.seq >= word.seq;
    if (isOnItsWay || (isLate && known.isSent)) {
      this.#count(event, 'coalesced');
      return isOnItsWay ? this.#told(standing) : Promise.resolve();
    }
    if (!isLate) this.#newest.set(event);
    return this.#put(key, word);
  }

  #put(key: string, event: RealtimeEvent): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      this.#count(waiting.event, 'coalesced');
      waiting.event = event;
      return this.#told(waiting);
    }
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    const announcement = { key, event, settled, settle };
    const isFree = !this.#isBusy(key);
    const dropped = this.#waiting.add(announcement, isFree);
    if (dropped !== undefined) this.#drop(dropped);
    if (isFree) this.#sendWhatMay();
    return this.#told(announcement);
  }

  #isBusy(key: string): boolean {
    return this.#sending.has(key) || this.#resting.has(key);
  }

  /** What its callers wait for. */
  #told(announcement: Announcement): Promise<void> {
    const { key, settled } = announcement;
    const isNext = this.#sending.get(key) === announcement || !this.#isBusy(key);
    return isNext ? settled : Promise.resolve();
  }

  #drop({ event, settle }: Announcement): void {
    this.#count(event, 'dropped');
    settle();
    this.#lost.dropped += 1;
    if (this.#lost.dropped > 1) return;
    this.#needs.log.warn(
      { waiting: this.#waiting.size },
      'events are announced faster than they are sent: the oldest go',
    );
  }

  #sendWhatMay(): void {
    while (this.#sending.size < limits.announcementsSentAtOnceMax) {
      const next = this.#waiting.take();
      if (next === undefined) break;
      this.#sending.set(next.key, next);
      this.#resting.begin(next.key);
      void this.#send(next);
    }
    if (this.#waiting.size === 0) this.#lost.dropped = 0;
  }

  async #send(announcement: Announcement): Promise<void> {
    const { notifier, clock, timers, metrics } = this.#needs;
    const { key, event, settle } = announcement;
    const sinceMs = clock.now();
    try {
      await withinTime(timers, sendMsMax, async (signal) =>
        notifier.send(groupOfWorkspace(event.workspaceId), encodeRealtimeEvent(event), signal),
      );
      this.#sent(event);
    } catch (error) {
      this.#failed(event, errorCodeOf(error));
    }
    metrics.record('tidemark.announcement.milliseconds', Math.max(0, clock.now() - sinceMs), { kind: event.kind });
    this.#sending.delete(key);
    settle();
    this.#freed(key);
  }

  /** One of the two that a key waits for is over: what was sent last, and its rest. */
  #freed(key: string): void {
    if (!this.#isBusy(key)) this.#waiting.free(key);
    this.#sendWhatMay();
  }

  #sent(event: RealtimeEvent): void {
    this.#count(event, 'sent');
    if (event.kind === 'commit') this.#newest.sent(event);
    if (this.#lost.failed === 0) return;
    this.#needs.log.info({ failed: this.#lost.failed }, 'the realtime service takes events again');
    this.#lost.failed = 0;
  }

  /** Once for each stretch without a success: what is down is down for every event. */
  #failed(event: RealtimeEvent, code: TidemarkError['code']): void {
    this.#count(event, 'failed');
    this.#lost.failed += 1;
    if (this.#lost.failed === 1)
      this.#needs.log.warn({ code }, 'the realtime service does not take events: clients poll');
  }

  #count({ kind }: RealtimeEvent, outcome: Outcome): void {
    this.#needs.metrics.count('tidemark.announcement.count', 1, { kind, outcome });
  }
}
