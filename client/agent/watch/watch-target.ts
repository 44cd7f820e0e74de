/** The opened folder that a watch drives. */
import type { DeviceId, SessionId, WorkspaceId } from '../../../shared/core/ids.ts';
import type { ProgressEvent, SyncReport, SyncStatus } from '../engine/report.ts';
import type { SyncOptions } from '../engine/sync-run.ts';
import type { ChannelListener, ChannelSeat } from '../realtime/channel.ts';
import type { Pause } from './pause.ts';
import type { Turns } from './turns.ts';

export interface WatchTarget {
  readonly root: string;
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  readonly turns: Turns;
  sync(signal: AbortSignal, options: Pick<SyncOptions, 'looksFirst'>): Promise<SyncReport>;
  status(): Promise<SyncStatus>;
  /** Whether the workspace has moved on from what this folder followed: one small request. */
  hasNews(signal: AbortSignal): Promise<boolean>;
  /** How far the journal was followed; what `hasNews` compares with. */
  followedSeq(): number;
  /** Takes the folder's seat at the realtime channel; undefined where there is none. */
  readonly join?: (listener: ChannelListener) => ChannelSeat;
  onProgress(listener: (event: ProgressEvent) => void): () => void;
  /** How far upload sessions are, in percent. */
  onUpload(listener: (sessionId: SessionId, percent: number) => void): () => void;
  /** Undefined when it is not paused. Kept over restarts. */
  getPause(): Pause | undefined;
  clearPause(): void;
  /** The error to show for one that was caught; damage of the journal is noted, so that closing sets it aside. */
  explain(error: unknown): unknown;
  close(): Promise<void>;
}
