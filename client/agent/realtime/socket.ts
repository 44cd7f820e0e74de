/**
 * One connection to the realtime service, as the channel needs it. What arrives is not believed: the channel checks it. A line that breaks
 * may be mended behind this face within a minute, with nothing lost; one that cannot be, or is silent for longer, has ended.
 */

/**
 * `unreachable`: it never came to be; `refused`: the service does not want it, so a new URL is needed; `lost`: it ended, or could not be
 * mended; `silent`: nothing came over it any more.
 */
export type EndReason = 'unreachable' | 'refused' | 'lost' | 'silent';

/** None of these is called before `OpenSocket` has returned, and none after `ended` or once `close` was called. They must not throw. */
export interface SocketEvents {
  /** The service took the connection: groups can be joined. At most once. */
  opened(): void;
  /** A binary message of some group. */
  message(bytes: Uint8Array): void;
  /** Something came that is no message: too large, or not of its form. It is gone. */
  dropped(): void;
  /** The line is down for good. `askedMs`: how long the service wants to be left alone, 0 when it did not say. */
  ended(reason: EndReason, askedMs: number): void;
}

export type JoinResult = 'joined' | 'refused' | 'failed';

export interface Socket {
  /** Resolves with what the service answered; `failed` when it did not. Never rejects, but may take for ever while the line is up. */
  join(group: string): Promise<JoinResult>;
  /** Sent if the line is up, and dropped if not. */
  send(event: 'presence' | 'progress', report: Readonly<Record<string, unknown>>): void;
  /** Resolves when the line is down, within seconds. Never rejects. */
  close(): Promise<void>;
}

/** Begins to connect. `url` has passed `isSocketUrl`. */
export type OpenSocket = (url: string, events: SocketEvents) => Socket;
