/** What a watch does next, as a function of what it knows. Times are monotonic milliseconds; Infinity for never. */
import type { SyncReason, WatchStateName } from './watch-state.ts';

export interface Schedule {
  readonly state: WatchStateName;
  /** Why to sync without waiting for anything but the end of a failure's wait; undefined for no reason. */
  readonly reason: SyncReason | undefined;
  /** A person, or a machine that woke up: no failure's wait holds this up. */
  readonly isWoken: boolean;
  /** When changes of the folder have paused. */
  readonly changedAt: number;
  readonly scanAt: number;
  readonly pollAt: number;
  readonly retryAt: number;
}

export type Next = { readonly do: SyncReason | 'poll' } | { readonly waitUntil: number };

/**
 * In this order: a device that was revoked does nothing; a wake goes at once; after a mass deletion only the folder itself, or a wake, is a
 * reason to look again (news from elsewhere could tip the scales of the brake without anybody's having decided); a failure's wait
 * holds up everything else.
 */
export function planNext(schedule: Schedule, now: number): Next {
  const { state, reason, isWoken, changedAt, scanAt, pollAt, retryAt } = schedule;
  if (state === 'revoked') return { waitUntil: Infinity };
  if (isWoken) return { do: reason ?? 'wake' };
  if (state === 'halted') return changedAt <= now ? { do: 'changed' } : { waitUntil: changedAt };
  if (state === 'waiting') return retryAt <= now ? { do: 'retry' } : { waitUntil: retryAt };
  if (reason !== undefined) return { do: reason };
  if (changedAt <= now) return { do: 'changed' };
  if (retryAt <= now) return { do: 'retry' };
  if (scanAt <= now) return { do: 'scan' };
  if (pollAt <= now) return { do: 'poll' };
  return { waitUntil: Math.min(changedAt, retryAt, scanAt, pollAt) };
}

/**
 * Whether a change of the folder, which may be our own doing, is all there is to sync for; also after the wait for the turn. A question that
 * is due goes with the sync: changes without end must not keep it from being asked.
 */
export function isChangeAll({ state, reason, pollAt }: Schedule, now: number): boolean {
  return state !== 'halted' && reason === undefined && pollAt > now;
}
