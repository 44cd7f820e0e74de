/** What a channel is made of, and what it tells. */
import type { ErrorCode } from '../../../shared/core/errors.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import type { NegotiateResponse, Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import type { Timers } from '../watch/timers.ts';
import type { EndReason, OpenSocket } from './socket.ts';

/** `slow`: it did not come to be in time. */
export type LossReason = EndReason | 'slow';

/** For a log: without URLs, and without what the service said. */
export type ChannelNote =
  /** So many folders hear of changes now. */
  | { readonly kind: 'connected'; readonly folders: number }
  /** `dropped`: messages of the time since the last note of this kind that were not ours. Tried again in `waitMs`. */
  | { readonly kind: 'lost'; readonly reason: LossReason; readonly dropped: number; readonly waitMs: number }
  /** The server could not be asked where to listen, or answered what cannot be. Asked again in `waitMs`. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly waitMs: number }
  /** There is no realtime service, or not for us. Asked again in `waitMs`. */
  | { readonly kind: 'absent'; readonly waitMs: number }
  /** These are not listened to, though others are. Told when the list changes. */
  | { readonly kind: 'refused'; readonly workspaces: readonly WorkspaceId[] }
  /** So many folders are more than one connection serves. Told when the number changes. */
  | { readonly kind: 'crowded'; readonly folders: number };

export interface ChannelNeeds {
  /** Asks the server. Rejects with a TidemarkError; may ignore the signal. */
  readonly negotiate: (seats: readonly Seat[], signal: AbortSignal) => Promise<NegotiateResponse>;
  readonly openSocket: OpenSocket;
  readonly timers: Timers;
  /** Must not throw, nor call the channel. */
  readonly tell: (note: ChannelNote) => void;
}
