/**
 * What use cases tell the realtime service, and how little they wait for it. Nothing here ever fails or delays what it tells of: each call
 * resolves when the message was sent, was dropped, or `announceWaitMs` have passed, whichever is first, and never rejects.
 *
 * Events on the same thing are sent `announcePaceMs` apart. The first goes out at once. One that comes too soon after it waits in the
 * background, growing newer, and is sent when the time has come; its call resolves at once. At stake is only this: a process that is frozen
 * or killed before then loses the last word of a burst, and clients learn of it when they poll.
 */
import type { UserId, WorkspaceId } from '../../core/ids.ts';
import type { RealtimeEvent } from '../../core/wire/realtime-event.ts';

export interface Announcer {
  /**
   * To all who listen to the event's workspace. Of events that wait for one another, the newest takes the older one's place: the highest seq
   * of a workspace's commits, the last word on each device and each upload session. That one is sent, unless too many wait.
   */
  announce(event: RealtimeEvent): Promise<void>;
  /** A user may do less than before: all their connections end, and what they may still hear they ask for anew. */
  expelUser(userId: UserId): Promise<void>;
  /** Nobody may listen to this workspace any more. */
  expelAll(workspaceId: WorkspaceId): Promise<void>;
  /** This connection asked for what it may not. */
  expelConnection(connectionId: string): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();
/** Of a stack without a realtime service: clients poll. */
export const silentAnnouncer: Announcer = {
  announce: nothing,
  expelUser: nothing,
  expelAll: nothing,
  expelConnection: nothing,
};
