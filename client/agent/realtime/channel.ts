/**
 * The one connection of a process to the realtime service of a server, shared by its folders. It only ever says "look": a folder that hears
 * nothing polls, and one that hears lies asks the journal and finds nothing new.
 */
import type { DeviceId, SessionId, WorkspaceId } from '../../../shared/core/ids.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';

export interface ChannelListener {
  /** Something was said about the folder's workspace, perhaps wrongly. Must not throw. */
  heard(event: RealtimeEvent): void;
  /** Whether events arrive from now on. At the beginning they do not. What happened while they did not has to be asked for. */
  live(isLive: boolean): void;
}

export interface ChannelSeat {
  /** What the folder is doing, for others to see. Told when it changes, and again from time to time while the channel is open. */
  report(state: 'idle' | 'syncing'): void;
  /** How far an upload session is, 0 to 100. Told at a bounded rate; the newest wins. */
  progress(sessionId: SessionId, percent: number): void;
  leave(): void;
}

export interface Channel {
  /** From now on the channel is kept open for this folder too. */
  join(
    folder: { readonly workspaceId: WorkspaceId; readonly deviceId: DeviceId },
    listener: ChannelListener,
  ): ChannelSeat;
  /** Ends the connection; resolves when it is closed. No listener is called after that. */
  close(): Promise<void>;
}
