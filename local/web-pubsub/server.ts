/**
 * Azure Web PubSub for one machine: the official SDKs of the server (REST) and of the client (WebSocket) talk to it unmodified, and
 * events go to a handler as from the service. Everything is in memory: who was connected before a restart connects anew.
 *
 * What it does not do, compared with the service:
 * - Of clients it serves the two JSON subprotocols. A connection with none of them (a simple client), protobuf, MQTT and Socket.IO are
 *   refused with 400. Streams, invocations and the state of groups are answered as not supported.
 * - Tokens are signed with one access key; there is no second key and no Entra ID. Anonymous clients need a token too, without a user.
 * - Roles with patterns (`webpubsub.joinLeaveGroups.*`) give nothing.
 * - Hubs need no settings and are all alike: every event of every hub goes to the one handler. There are no event listeners, no
 *   templates in its URL, no identity towards it. An event is sent once.
 * - `filter` is served in part (filter.ts); the rest is refused with 400. `messageTtlSeconds` is checked and without effect.
 * - A user who is added to a group is added with the connections that there are; later ones are not.
 * - There are no metrics, no traces, no replicas, no TLS. It recovers connections of reliable clients for about half a minute.
 */
import { createServer } from 'node:http';
import type { Clock, Timers } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { type BoundAddress, listenOn } from '../host/http-server.ts';
import { AccessTokens } from './access-tokens.ts';
import { type WebPubSubBounds, defaultBounds } from './bounds.ts';
import { ClientDoor } from './client-door.ts';
import { ConnectionEvents } from './connection-events.ts';
import { type Counters, createCounters } from './counters.ts';
import { type Endpoint, Hubs } from './endpoint.ts';
import { FanOut } from './fan-out.ts';
import { serveRest } from './rest-server.ts';
import { Webhook } from './webhook.ts';

export interface WebPubSubServerOptions {
  readonly accessKey: string;
  /** As clients reach it; null: as it listens. */
  readonly endpoint: string | null;
  /** Null: no handler, and connects are decided by tokens alone. */
  readonly webhookUrl: string | null;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly fetch?: typeof globalThis.fetch;
  readonly bounds?: Partial<WebPubSubBounds>;
  /** Runs the turns in which messages go out (fan-out.ts); Node's setImmediate otherwise. */
  readonly later?: (run: () => void) => void;
}

export interface WebPubSubServer {
  /** Port 0 takes a free one. @returns the endpoint, without a slash at its end. @throws TidemarkError as listenOn. */
  start(host: string, port: number): Promise<string>;
  /** Ends all connections and waits for their events, for `graceMs` at most. */
  close(graceMs: number): Promise<void>;
  /** Cuts the socket of a connection as a broken network would. */
  cut(hub: string, connectionId: string): void;
  readonly counters: Readonly<Counters>;
}

function createEndpoint(options: WebPubSubServerOptions, url: () => string): Endpoint {
  const { accessKey, webhookUrl, clock, timers, log, fetch } = options;
  const bounds: WebPubSubBounds = { ...defaultBounds, ...options.bounds };
  const origin = (): string => new URL(url()).hostname;
  const webhook =
    webhookUrl === null
      ? undefined
      : new Webhook({
          url: webhookUrl,
          accessKey,
          origin,
          bounds,
          clock,
          log,
          ...(fetch === undefined ? {} : { fetch }),
        });
  return {
    url,
    bounds,
    clock,
    timers,
    log,
    counters: createCounters(),
    hubs: new Hubs(bounds.groupsPerConnectionMax),
    fanOut: new FanOut(bounds, options.later),
    tokens: new AccessTokens(accessKey, clock, bounds.tokenToleranceSeconds),
    events: new ConnectionEvents(webhook, bounds, log),
    webhook,
  };
}

/** Pings all sockets again and again. Returns how to stop. */
function keepAlive({ timers, bounds, hubs }: Endpoint): () => void {
  let cancel = (): void => undefined;
  const sweep = (): void => {
    for (const hub of hubs.all()) for (const connection of hub.all()) connection.keepAlive();
    cancel = timers.after(bounds.keepAliveMs, sweep);
  };
  cancel = timers.after(bounds.keepAliveMs, sweep);
  return () => cancel();
}

/** An endpoint that is not listening yet. */
export function createWebPubSubServer(options: WebPubSubServerOptions): WebPubSubServer {
  let bound: BoundAddress | undefined;
  let stopPings = (): void => undefined;
  const endpoint = createEndpoint(options, () => options.endpoint ?? bound?.url ?? 'http://127.0.0.1');
  const door = new ClientDoor(endpoint);
  const { headersMs, requestMs, socketsMax } = endpoint.bounds;
  const server = createServer(
    { headersTimeout: headersMs, requestTimeout: requestMs, connectionsCheckingInterval: headersMs },
    (request, response) => void serveRest(endpoint, request, response),
  );
  server.maxConnections = socketsMax;
  server.on('upgrade', (request, socket, head) => void door.handle(request, socket, head));
  return {
    counters: endpoint.counters,
    start: async (host, port) => {
      bound = await listenOn(server, { host, port }, 'The realtime endpoint');
      stopPings = keepAlive(endpoint);
      return endpoint.url();
    },
    cut: (hub, connectionId) => endpoint.hubs.get(hub).get(connectionId)?.cut(),
    close: async (graceMs) => {
      stopPings();
      door.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      let cancel = (): void => undefined;
      const timeUp = new Promise<void>((resolve) => {
        cancel = options.timers.after(graceMs, resolve);
      });
      await Promise.race([Promise.all([endpoint.events.settled(), closed]), timeUp]);
      cancel();
      door.cut();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What both SDKs are configured with. A secret. */
export function connectionStringOf(endpoint: string, accessKey: string): string {
  return `Endpoint=${endpoint};AccessKey=${accessKey};Version=1.0;`;
}
