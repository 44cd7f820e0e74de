/**
 * What becomes of a device's record by one event of a connection, whatever the order in which events come: the newest connection of
 * a device has the word, and what it said last stands. Pure.
 *
 * A connection that has ended says nothing more. One that was opened before another is not heard beside it, but for when nothing was
 * heard of that other for `presenceLiveSeconds`: clocks of servers differ, and no device stays silent over that.
 */
import { limits } from '../../core/limits.ts';
import type { PresenceState } from '../../core/wire/presence.ts';
import type { PresenceRecord } from '../../ports/presence-store.ts';
import type { Opened } from './connection.ts';

export type Word = 'connected' | 'idle' | 'syncing' | 'disconnected';

type Said = Pick<PresenceRecord, 'state' | 'connectionId' | 'openedMs' | 'sinceMs' | 'seenMs'>;

const liveMs = limits.presenceLiveSeconds * 1_000;

/** Also when it was heard of at a time that is still to come: a clock was wrong. */
function isSilent({ seenMs }: Said, nowMs: number): boolean {
  return Math.abs(nowMs - seenMs) > liveMs;
}

/** The state as it is shown, and since when. */
export function shownState(record: Said, nowMs: number): { readonly state: PresenceState; readonly sinceMs: number } {
  const { state, sinceMs, seenMs } = record;
  return state !== 'offline' && isSilent(record, nowMs) ? { state: 'offline', sinceMs: seenMs } : { state, sinceMs };
}

/** What is to be stored, and whether it shows another state than before; undefined when the word is no news. */
export function takeWord(
  before: Said | undefined,
  word: Word,
  by: Opened,
  nowMs: number,
): { readonly said: Said; readonly isChange: boolean } | undefined {
  if (before !== undefined && !counts(before, word, by, nowMs)) return undefined;
  const shown = before === undefined ? ({ state: 'offline', sinceMs: nowMs } as const) : shownState(before, nowMs);
  const state = word === 'connected' ? 'idle' : word === 'disconnected' ? 'offline' : word;
  const isChange = shown.state !== state;
  const { connectionId, openedMs } = by;
  const sinceMs = isChange ? nowMs : shown.sinceMs;
  return { said: { state, connectionId, openedMs, sinceMs, seenMs: nowMs }, isChange };
}

function counts(before: Said, word: Word, by: Opened, nowMs: number): boolean {
  if (before.connectionId === by.connectionId) return before.state !== 'offline' && word !== 'connected';
  return isNewer(by, before) || (word !== 'disconnected' && isSilent(before, nowMs));
}

function isNewer(a: Opened, b: Opened): boolean {
  return a.openedMs === b.openedMs ? a.connectionId > b.connectionId : a.openedMs > b.openedMs;
}
