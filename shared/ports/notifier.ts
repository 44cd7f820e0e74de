/**
 * The realtime service: groups of connections that messages are sent to. It owes little. A message that was accepted reaches each
 * connection of the group at most a few times, usually once, perhaps never, in any order; so messages only ever say where to look.
 * What it does owe is on the side of security: a URL is good for one user and opens what its groups name and nothing else.
 */
import type { UserId } from '../core/ids.ts';

/** The hub of the service in which all of it happens. */
export const realtimeHub = 'tidemark';

/** The name of a group is part of the wire: clients join it. */
export { groupOfWorkspace } from '../core/wire/realtime-event.ts';

/** What a URL lets its holder do with a group: join and leave it, and so receive. Never send to it: only the service's own events do. */
export function roleOfGroup(group: string): string {
  return `webpubsub.joinLeaveGroup.${group}`;
}

export interface ClientUrl {
  /** With its access token: belongs in no log. */
  readonly url: string;
  readonly expiresMs: number;
}

export interface Notifier {
  /** A URL at which this user may open connections for about `seconds`, and may join these groups there. */
  clientUrl(userId: UserId, groups: readonly string[], seconds: number): Promise<ClientUrl>;
  /** Resolves when the service has taken the message, for all who are in the group now. A group with nobody in it is none to complain of. */
  send(group: string, message: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Ends all connections of a user. They cannot be recovered; what tokens they have left is for `connect` to refuse. */
  closeUser(userId: UserId, reason: string): Promise<void>;
  /** Ends all connections that are in a group. */
  closeGroup(group: string, reason: string): Promise<void>;
  /** Ends one connection; one that is gone is none to complain of. */
  closeConnection(connectionId: string, reason: string): Promise<void>;
}
