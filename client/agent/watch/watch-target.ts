/** The opened folder that a watch drives. */
import type { ProgressEvent, SyncReport, SyncStatus } from '../engine/report.ts';
import type { Pause } from './pause.ts';
import type { Turns } from './turns.ts';

export interface WatchTarget {
  readonly root: string;
  readonly turns: Turns;
  sync(signal: AbortSignal): Promise<SyncReport>;
  status(): Promise<SyncStatus>;
  /** Whether the workspace has moved on from what this folder followed: one small request. */
  hasNews(signal: AbortSignal): Promise<boolean>;
  onProgress(listener: (event: ProgressEvent) => void): () => void;
  /** Undefined when it is not paused. Kept over restarts. */
  getPause(): Pause | undefined;
  clearPause(): void;
  /** The error to show for one that was caught; damage of the journal is noted, so that closing sets it aside. */
  explain(error: unknown): unknown;
  close(): Promise<void>;
}
