/** What the watch of one folder is doing, and what it shows of that. */
import type { ProgressEvent } from '../engine/report.ts';

/** Why a sync was begun. */
export type SyncReason = 'start' | 'changed' | 'news' | 'scan' | 'retry' | 'resumed' | 'wake';

/** All times are of the wall clock, in milliseconds since 1970. */
export type WatchState =
  | { readonly name: 'opening' }
  | { readonly name: 'idle' }
  | { readonly name: 'syncing'; readonly reason: SyncReason }
  /** It failed for a reason that passes; tried again at that time. */
  | { readonly name: 'waiting'; readonly code: string; readonly message: string; readonly untilMs: number }
  /** The folder is not there, or another agent has it; looked for again at that time. */
  | { readonly name: 'absent'; readonly message: string; readonly untilMs: number }
  /** It looks like an accident: a person has to say that it is meant, or undo it. */
  | { readonly name: 'halted'; readonly message: string }
  /** Null: until somebody says `tide resume`. */
  | { readonly name: 'paused'; readonly untilMs: number | null }
  /** The owner revoked this device: its files stay, it syncs no more. */
  | { readonly name: 'revoked'; readonly message: string }
  | { readonly name: 'stopped' };

export type WatchStateName = WatchState['name'];

/** `events`: the system tells of changes. `polling`: it does not, and the folder is looked through at short intervals. */
export type WatcherMode = 'events' | 'polling';

/**
 * `live`: the server tells of changes. `polling`: it cannot at the moment, and is asked at short intervals. `off`: it was not wanted; asked
 * likewise.
 */
export type RealtimeMode = 'live' | 'polling' | 'off';

/** Since the process began to watch the folder. */
export interface WatchCounts {
  /** Those that asked the server. */
  readonly syncs: number;
  readonly operations: number;
  readonly applied: number;
  readonly conflicts: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
  readonly polls: number;
  /** Events of the realtime service. */
  readonly heard: number;
  /** Failures by the code of their error. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface WatchView {
  readonly state: WatchState;
  /** The newest step of the sync at work. */
  readonly progress: ProgressEvent | null;
  readonly watcher: { readonly mode: WatcherMode; readonly folders: number; readonly reason: string | null };
  readonly realtime: RealtimeMode;
  /** Whether changes were seen that no sync has looked at yet. */
  readonly changed: boolean;
  /** End of the newest sync that asked the server and found folder and workspace equal. */
  readonly lastSyncMs: number | null;
  /** The newest answer of the server. */
  readonly lastHeardMs: number | null;
  /** Seconds that the newest sync took that asked the server. */
  readonly lastSyncSeconds: number | null;
  readonly counts: WatchCounts;
}
