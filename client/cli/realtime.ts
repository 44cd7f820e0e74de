/** The composition of the realtime channels of a process: one for each server and user, however many folders there are. */
import type { Channel } from '../agent/realtime/channel.ts';
import type { ChannelNote } from '../agent/realtime/channel-needs.ts';
import { createRealtimeChannel } from '../agent/realtime/realtime-channel.ts';
import { webPubSubSockets } from '../agent/realtime/web-pubsub-socket.ts';
import type { Timers } from '../agent/watch/timers.ts';
import { type Connection, connect } from './connection.ts';
import type { CliContext } from './context.ts';

export interface Channels {
  /** The one of this connection's server and user. */
  of(connection: Pick<Connection, 'server' | 'user'>): Channel;
  /** Resolves when all of them are closed. */
  close(): Promise<void>;
}

export function createChannels(
  context: CliContext,
  timers: Timers,
  tellOf: (server: string) => (note: ChannelNote) => void,
): Channels {
  const channels = new Map<string, Channel>();
  const create = (server: string): Channel => {
    // Its folders are different devices, so it asks as none of them.
    const { api } = connect(context, server);
    return createRealtimeChannel({
      negotiate: (seats, signal) => api.negotiate({ seats: [...seats] }, signal),
      openSocket: webPubSubSockets(timers),
      timers,
      tell: tellOf(server),
    });
  };
  return {
    of: ({ server, user }) => {
      const key = JSON.stringify([server, user]);
      const channel = channels.get(key) ?? create(server);
      channels.set(key, channel);
      return channel;
    },
    close: async () => {
      await Promise.all([...channels.values()].map((channel) => channel.close()));
    },
  };
}
