/** What a watch is made of, and what it tells. */
import type { SyncReport } from '../engine/report.ts';
import type { Failure } from './failure.ts';
import type { Timers } from './timers.ts';
import type { SyncReason, WatchState, WatchView } from './watch-state.ts';
import type { WatchTarget } from './watch-target.ts';
import type { StartWatcher } from './watcher.ts';

/** What the watch tells of, for a log. */
export type WatchEvent =
  | { readonly type: 'state'; readonly state: WatchState }
  | { readonly type: 'synced'; readonly report: SyncReport; readonly reason: SyncReason; readonly seconds: number }
  | { readonly type: 'failed'; readonly failure: Failure; readonly error: unknown }
  | { readonly type: 'watcher'; readonly watcher: WatchView['watcher'] };

export interface WatchNeeds {
  readonly timers: Timers;
  /** Opens the folder and takes its lock. Rejects when it is not there or held; tried again each minute. */
  readonly open: (signal: AbortSignal) => Promise<WatchTarget>;
  readonly startWatcher: StartWatcher;
  readonly tell: (event: WatchEvent) => void;
  /** Between two questions to the server, also while it tells of changes; by default as in pace.ts. */
  readonly pollMs?: number;
}
