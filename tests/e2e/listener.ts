/** A client of the realtime service as its package makes one, or less polite: what it hears is kept, and waited for. */
import { once } from 'node:events';
import { type JSONTypes, WebPubSubClient } from '@azure/web-pubsub-client';
import { WebSocket } from 'ws';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { type PresenceReport, presenceReport } from '../../shared/core/wire/presence.ts';
import {
  type ProgressReport,
  type RealtimeEvent,
  decodeRealtimeEvent,
  progressReport,
} from '../../shared/core/wire/realtime-event.ts';
import { groupOfWorkspace } from '../../shared/ports/notifier.ts';

const subprotocol = 'json.reliable.webpubsub.azure.v1';

interface Waiter {
  readonly wanted: (event: RealtimeEvent) => boolean;
  readonly found: (event: RealtimeEvent) => void;
}

export class Listener {
  readonly #client: WebPubSubClient;
  readonly #waiters = new Set<Waiter>();
  readonly events: RealtimeEvent[] = [];
  /** Resolves when the connection has ended and is not mended. */
  readonly ended: Promise<void>;

  constructor(url: string) {
    this.#client = new WebPubSubClient(url, {
      autoReconnect: false,
      autoRejoinGroups: false,
      messageRetryOptions: { maxRetries: 0 },
      // Its pings outlive it.
      keepAliveIntervalInMs: 0,
      keepAliveTimeoutInMs: 0,
    });
    this.ended = new Promise((resolve) => this.#client.on('stopped', () => resolve()));
    this.#client.on('group-message', ({ message: { data } }) => {
      if (data instanceof ArrayBuffer) this.#heard(decodeRealtimeEvent(new Uint8Array(data)));
    });
  }

  /** Connects and joins the groups of these workspaces. */
  static async open(url: string, ...workspaces: readonly WorkspaceId[]): Promise<Listener> {
    const listener = new Listener(url);
    await listener.#client.start();
    for (const workspaceId of workspaces) await listener.join(workspaceId);
    return listener;
  }

  /** Rejects with what the service says when it does not want that. */
  async join(workspaceId: WorkspaceId): Promise<void> {
    await this.#client.joinGroup(groupOfWorkspace(workspaceId));
  }

  async sendToGroup(workspaceId: WorkspaceId): Promise<void> {
    await this.#client.sendToGroup(groupOfWorkspace(workspaceId), 'forged', 'text');
  }

  async reportPresence(report: PresenceReport): Promise<void> {
    await this.#client.sendEvent('presence', presenceReport.toJson(report) as JSONTypes, 'json');
  }

  async reportProgress(report: ProgressReport): Promise<void> {
    await this.#client.sendEvent('progress', progressReport.toJson(report) as JSONTypes, 'json');
  }

  /** The first event of this form that was heard, or will be. */
  heard(wanted: (event: RealtimeEvent) => boolean): Promise<RealtimeEvent> {
    const known = this.events.find(wanted);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((found) => this.#waiters.add({ wanted, found }));
  }

  stop(): void {
    this.#client.stop();
  }

  #heard(event: RealtimeEvent): void {
    this.events.push(event);
    for (const waiter of this.#waiters) {
      if (!waiter.wanted(event)) continue;
      this.#waiters.delete(waiter);
      waiter.found(event);
    }
  }
}

/** What a URL's handshake comes to: `open`, after which it is closed, or the status that refuses it. */
export async function knock(url: string): Promise<'open' | number> {
  const socket = new WebSocket(url, subprotocol);
  const refused = new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
  });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(
    () => 'open' as const,
    () => refused,
  );
  const outcome = await Promise.race([opened, refused]);
  if (outcome === 'open') socket.close();
  return outcome;
}
