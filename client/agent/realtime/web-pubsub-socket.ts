/**
 * A connection by the package `@azure/web-pubsub-client`, which speaks the reliable JSON subprotocol: it joins, acknowledges, and mends a line
 * that broke with nothing lost. What it leaves open is done here, at the edge that its interface `WebPubSubClientProtocol` gives and at the
 * one place where it makes its sockets (private to it: `openLines` checks that it is used):
 *
 * - It parses whatever comes, and throws out of the socket's callback on what is no JSON, which would end the process: `guardProtocol`.
 * - Its handshake and the size of a message have no bound, and a stop while it connects or mends ends nothing: `WebSocketLine`.
 * - It does not tell that it mends a line, its pings outlive a stop, and a peer that is silent stays connected for minutes: pings and the
 *   watch over silence are ours, and a connection that was silent for `silenceMaxMs` is over, mended or not.
 *
 * After an end it may hold a timer of a second; nothing else is left.
 */
import {
  SendMessageError,
  WebPubSubClient,
  type WebPubSubClientProtocol,
  type WebPubSubDataType,
  WebPubSubJsonReliableProtocol,
} from '@azure/web-pubsub-client';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Timers } from '../watch/timers.ts';
import type { EndReason, JoinResult, OpenSocket, Socket, SocketEvents } from './socket.ts';
import { FarewellLine, WebSocketLine } from './web-socket-line.ts';

/** Between two pings, each of which is answered. */
const pingMs = 15_000;
/** Silence that means that nobody is there: three pings without an answer. */
const silenceMaxMs = 45_000;
/** A broken line is tried again after up to so long, then twice as long, and so on: everybody else's broke too. */
const mendBaseMs = 500;
const mendMaxMs = 8_000;
/** The close code of a service that does not want the connection back. */
const policyViolation = 1008;
/** Statuses of a handshake that a new URL may mend. */
const refusals: ReadonlySet<number> = new Set([401, 403]);

interface ProtocolEvents {
  /** The service named the connection: when it begins, and when it was mended. */
  named(connectionId: string): void;
  dropped(): void;
}

/** The subprotocol, of which only what this client uses comes through, and which never throws. */
function guardProtocol(events: ProtocolEvents): WebPubSubClientProtocol {
  const inner = WebPubSubJsonReliableProtocol();
  const parseMessages: WebPubSubClientProtocol['parseMessages'] = (input) => {
    try {
      const message = inner.parseMessages(input);
      if (Array.isArray(message)) return null;
      switch (message?.kind) {
        case 'connected':
          if (typeof message.connectionId !== 'string' || typeof message.reconnectionToken !== 'string') break;
          events.named(message.connectionId);
          return message;
        case 'groupData':
        case 'serverData':
          if (typeof message.sequenceId !== 'number') break;
          return message;
        case 'ack':
        case 'pong':
        case 'disconnected':
          return message;
        default:
      }
    } catch {
      // Anybody may send anything: it is counted below.
    }
    events.dropped();
    return null;
  };
  return {
    name: inner.name,
    isReliableSubProtocol: inner.isReliableSubProtocol,
    parseMessages,
    writeMessage: (message) => inner.writeMessage(message),
  };
}

class WebPubSubSocket implements Socket {
  readonly #timers: Timers;
  readonly #events: SocketEvents;
  readonly #client: WebPubSubClient;
  readonly #protocol: WebPubSubClientProtocol;
  #line: WebSocketLine | undefined;
  #lines = 0;
  #connectionId: string | undefined;
  #isOver = false;
  /** The channel ended it: it is told nothing. */
  #isClosed = false;
  #heardAt: { readonly now: number; readonly wall: number };
  #callOff: () => void = () => undefined;
  #closeCode = 0;

  constructor(timers: Timers, url: string, events: SocketEvents) {
    this.#timers = timers;
    this.#events = events;
    this.#heardAt = { now: timers.now(), wall: timers.wall() };
    this.#protocol = guardProtocol({ named: (id) => this.#named(id), dropped: () => this.#dropped() });
    this.#client = new WebPubSubClient(url, {
      protocol: this.#protocol,
      autoReconnect: false,
      autoRejoinGroups: false,
      messageRetryOptions: { maxRetries: 0 },
      keepAliveIntervalInMs: 0,
      keepAliveTimeoutInMs: 0,
    });
    this.#client.on('connected', () => this.#tell(() => events.opened()));
    this.#client.on('group-message', ({ message }) => this.#received(message.dataType, message.data));
    this.#client.on('server-message', ({ message }) => this.#received(message.dataType, message.data));
    this.#client.on('stopped', () => this.#end(this.#closeCode === policyViolation ? 'refused' : 'lost'));
    this.#start();
    this.#watch();
  }

  async join(group: string): Promise<JoinResult> {
    try {
      await this.#client.joinGroup(group);
      return 'joined';
    } catch (error) {
      return error instanceof SendMessageError && error.errorDetail !== undefined ? 'refused' : 'failed';
    }
  }

  send(event: 'presence' | 'progress', report: Readonly<Record<string, unknown>>): void {
    if (this.#isOver) return;
    // Not acknowledged: what is lost is said again at its time.
    this.#client.sendEvent(event, report, 'json', { fireAndForget: true }).catch(() => undefined);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#shut((line) => line.close());
  }

  #start(): void {
    openLines(this.#client, (url, protocol) => this.#newLine(url, protocol));
    this.#client.start().catch(() => {
      this.#end(this.#isRefused() ? 'refused' : 'unreachable');
    });
    // It makes its first line before it waits for anything.
    if (this.#line === undefined) {
      throw new TidemarkError('internal', 'this version of the realtime package makes its sockets elsewhere');
    }
  }

  #newLine(url: string, protocol: string): WebSocketLine | FarewellLine {
    if (this.#isOver) return new FarewellLine(() => this.#client.stop());
    const timers = this.#timers;
    const spreadMs = this.#lines === 0 ? 0 : Math.min(mendMaxMs, mendBaseMs * 2 ** (this.#lines - 1));
    this.#lines++;
    const line = new WebSocketLine({
      url,
      protocol,
      delayMs: timers.random() * spreadMs,
      timers,
      heard: () => this.#heard(),
      dropped: () => this.#dropped(),
      closed: (code) => this.#closed(code),
    });
    this.#line = line;
    return line;
  }

  #closed(code: number): void {
    this.#closeCode = code;
    // Mending by a token that the service does not take any more would go on for half a minute; a new URL may do at once.
    if (this.#connectionId !== undefined && this.#isRefused()) this.#end('refused');
  }

  #isRefused(): boolean {
    return refusals.has(this.#line?.refusal?.status ?? 0);
  }

  #named(connectionId: string): void {
    this.#lines = 1;
    // Another connection is in no group of ours, though the package takes it for the one that it mended.
    if (this.#connectionId !== undefined && this.#connectionId !== connectionId) this.#end('lost');
    this.#connectionId ??= connectionId;
  }

  #heard(): void {
    this.#heardAt = { now: this.#timers.now(), wall: this.#timers.wall() };
  }

  #dropped(): void {
    this.#tell(() => this.#events.dropped());
  }

  #received(dataType: WebPubSubDataType, data: unknown): void {
    if (dataType === 'binary' && data instanceof ArrayBuffer) {
      this.#tell(() => this.#events.message(new Uint8Array(data)));
    } else this.#dropped();
  }

  /** A machine that slept was silent by the wall clock: its line is hardly there any more. */
  #watch(): void {
    this.#callOff = this.#timers.after(pingMs, () => {
      const silentMs = Math.max(this.#timers.now() - this.#heardAt.now, this.#timers.wall() - this.#heardAt.wall);
      if (silentMs > silenceMaxMs) return this.#end('silent');
      this.#line?.send(this.#protocol.writeMessage({ kind: 'ping' })).catch(() => undefined);
      this.#watch();
    });
  }

  #tell(work: () => void): void {
    if (!this.#isOver) work();
  }

  #end(reason: EndReason): void {
    if (this.#isOver) return;
    const askedMs = this.#line?.refusal?.retryAfterMs ?? 0;
    void this.#shut((line) => line.cut()).then(() => {
      if (!this.#isClosed) this.#events.ended(reason, askedMs);
    });
  }

  /** The package stops by itself when its line is down, or when it asks for the next one. */
  #shut(end: (line: WebSocketLine) => void): Promise<void> {
    this.#isOver = true;
    this.#callOff();
    this.#client.stop();
    if (this.#line === undefined) return Promise.resolve();
    end(this.#line);
    return this.#line.down;
  }
}

/** Lets the package make its sockets by `create`. */
function openLines(
  client: WebPubSubClient,
  create: (url: string, protocol: string) => WebSocketLine | FarewellLine,
): void {
  Object.defineProperty(client, '_getWebSocketClientFactory', { value: () => ({ create }) });
}

/** Opens connections to Azure Web PubSub, or to what speaks like it. */
export function webPubSubSockets(timers: Timers): OpenSocket {
  return (url, events) => new WebPubSubSocket(timers, url, events);
}
