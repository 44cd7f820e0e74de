/**
 * The realtime service in memory, for tests and the simulation: what was sent and closed is recorded, listeners connect with the URLs that
 * it gives, and `before` decides what of it fails, is lost, or takes its time. Each call does its work in one synchronous step.
 */
import { TidemarkError } from '../../core/errors.ts';
import type { UserId } from '../../core/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Notifier, roleOfGroup } from '../../ports/notifier.ts';

export interface SentMessage {
  readonly group: string;
  readonly message: Uint8Array;
}

export interface Closing {
  readonly kind: 'user' | 'group' | 'connection';
  readonly id: string;
  readonly reason: string;
}

export type NotifierCall = ({ readonly kind: 'send' } & SentMessage) | Closing;

export interface MemoryListener {
  heard(group: string, message: Uint8Array): void;
  ended(reason: string): void;
}

export interface MemoryConnection {
  readonly connectionId: string;
  /** Whether it is in the group now: its URL must name it. */
  readonly join: (group: string) => boolean;
  /** Whether the service would take a message of a client for the group: there is no URL that lets it. */
  readonly maySend: (group: string) => boolean;
  readonly leave: (group: string) => void;
  readonly close: () => void;
}

export interface MemoryNotifier extends Notifier {
  /** In the order in which they were taken, lost ones too. */
  readonly messages: readonly SentMessage[];
  readonly closed: readonly Closing[];
  /**
   * Asked before each send and each close: what it throws, the call throws and does not do; `lose`: the call does nothing and says nothing;
   * what it waits for, the call waits for.
   */
  before: ((call: NotifierCall, signal: AbortSignal | undefined) => 'lose' | void | Promise<'lose' | void>) | undefined;
  /** Throws `unauthenticated` for a URL that it did not give or whose time is over. */
  connect(url: string, listener: MemoryListener): MemoryConnection;
  /** Connections that are open. */
  readonly connections: number;
}

interface Ticket {
  readonly userId: UserId;
  readonly roles: ReadonlySet<string>;
  readonly expiresMs: number;
}

interface Open extends Ticket {
  readonly connectionId: string;
  readonly groups: Set<string>;
  readonly listener: MemoryListener;
}

const scheme = 'memory:realtime?access_token=';

export function createMemoryNotifier({ clock }: { readonly clock: Clock }): MemoryNotifier {
  const messages: SentMessage[] = [];
  const closed: Closing[] = [];
  const tickets = new Map<string, Ticket>();
  const open = new Map<string, Open>();
  let made = 0;

  async function close(closing: Closing, isMeant: (connection: Open) => boolean): Promise<void> {
    const word = await notifier.before?.(closing, undefined);
    if (word === 'lose') return;
    closed.push(closing);
    for (const connection of [...open.values()].filter(isMeant)) {
      open.delete(connection.connectionId);
      connection.listener.ended(closing.reason);
    }
  }

  const notifier: MemoryNotifier = {
    messages,
    closed,
    before: undefined,
    get connections() {
      return open.size;
    },
    clientUrl: async (userId, groups, seconds) => {
      const url = `${scheme}${tickets.size + 1}`;
      const expiresMs = clock.now() + seconds * 1_000;
      tickets.set(url, { userId, roles: new Set(groups.map(roleOfGroup)), expiresMs });
      return { url, expiresMs };
    },
    send: async (group, bytes, signal) => {
      const message = bytes.slice();
      const word = await notifier.before?.({ kind: 'send', group, message }, signal);
      signal?.throwIfAborted();
      messages.push({ group, message });
      if (word === 'lose') return;
      for (const { groups, listener } of open.values()) if (groups.has(group)) listener.heard(group, message.slice());
    },
    closeUser: (userId, reason) => close({ kind: 'user', id: userId, reason }, (one) => one.userId === userId),
    closeGroup: (group, reason) => close({ kind: 'group', id: group, reason }, ({ groups }) => groups.has(group)),
    closeConnection: (connectionId, reason) =>
      close({ kind: 'connection', id: connectionId, reason }, (one) => one.connectionId === connectionId),
    connect: (url, listener) => {
      const ticket = tickets.get(url);
      if (ticket === undefined || ticket.expiresMs <= clock.now()) {
        throw new TidemarkError('unauthenticated', 'this realtime URL is not good, or no longer');
      }
      const connection: Open = { ...ticket, connectionId: `connection-${++made}`, groups: new Set(), listener };
      open.set(connection.connectionId, connection);
      return connectionOf(connection);
    },
  };

  function connectionOf({ connectionId, roles, groups }: Open): MemoryConnection {
    return {
      connectionId,
      join: (group) => {
        const may = open.has(connectionId) && roles.has(roleOfGroup(group));
        if (may) groups.add(group);
        return may;
      },
      maySend: () => false,
      leave: (group) => void groups.delete(group),
      close: () => void open.delete(connectionId),
    };
  }

  return notifier;
}
