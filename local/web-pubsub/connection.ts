/**
 * One connection of a client, which may outlive its socket: a reliable one keeps what was not acknowledged, and its groups, while its
 * client comes back with another socket. It ends once, for one reason, and holds nothing after that. A peer that closed on purpose, was
 * closed by us, or stayed away for too long does not come back: its next socket is closed with 1008.
 */
import { WebSocket } from 'ws';
import type { Clock, Timers } from '../../shared/ports/clock.ts';
import type { WebPubSubBounds } from './bounds.ts';
import type { Counters } from './counters.ts';
import { EventLine } from './event-line.ts';
import {
  type OutboundMessage,
  connectedFrame,
  disconnectedFrame,
  reliableSubprotocol,
  withSequenceId,
} from './json-protocol.ts';
import { MessageRate } from './message-rate.ts';
import type { Permissions } from './permissions.ts';
import { RecentIds } from './recent-ids.ts';
import { ReliableQueue } from './reliable-queue.ts';
import { SocketWriter } from './socket-writer.ts';

/** The service closes with it what cannot be recovered, and clients then open a new connection. */
export const policyCloseCode = 1_008;
/** No close frame came: the socket was lost. */
const lostCloseCode = 1_006;
/** What fits into a close frame. */
const closeReasonBytesMax = 123;

export interface ConnectionIdentity {
  readonly connectionId: string;
  readonly hub: string;
  /** Undefined: anonymous. */
  readonly userId: string | undefined;
  readonly subprotocol: string;
  /** Which a recovering socket shows; only of reliable connections. */
  readonly reconnectionToken: string;
}

export interface ConnectionContext {
  readonly bounds: WebPubSubBounds;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly counters: Counters;
  /** Called once, when it has ended. */
  ended(connection: Connection, reason: string): void;
  /** A frame of the client, within its rate. */
  received(connection: Connection, text: string): void;
}

interface EndManner {
  /** The socket is closed, or closing already. */
  readonly byPeer?: boolean;
  /** The peer reads nothing, so it is told nothing. */
  readonly cut?: boolean;
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** A peer that answers no close is not waited for. */
export function cutLater(socket: WebSocket, { timers, bounds }: Pick<ConnectionContext, 'timers' | 'bounds'>): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  socket.once(
    'close',
    timers.after(bounds.closeMs, () => socket.terminate()),
  );
}

function closeReasonOf(reason: string): string {
  return Buffer.byteLength(reason) <= closeReasonBytesMax ? reason : '';
}

export class Connection {
  readonly identity: ConnectionIdentity;
  readonly permissions: Permissions;
  /** Changed by the hub only. */
  readonly groups = new Set<string>();
  readonly events: EventLine;
  readonly ackIds: RecentIds;
  /** The header `ce-connectionState`, as the event handler gave it last. */
  state: string;
  readonly #context: ConnectionContext;
  readonly #rate: MessageRate;
  readonly #queue: ReliableQueue<OutboundMessage> | undefined;
  #writer: SocketWriter | undefined;
  #cancelEnd: (() => void) | undefined;
  #hasEnded = false;

  constructor(identity: ConnectionIdentity, permissions: Permissions, state: string, context: ConnectionContext) {
    const { bounds, clock } = context;
    this.identity = identity;
    this.permissions = permissions;
    this.state = state;
    this.#context = context;
    this.events = new EventLine({ eventsMax: bounds.eventsPendingMax, bytesMax: bounds.eventsPendingBytesMax });
    this.ackIds = new RecentIds(bounds.ackIdsKept);
    this.#rate = new MessageRate(clock, bounds.messagesPerSecondMax, bounds.messagesBurstMax);
    const queueBounds = { messagesMax: bounds.unacknowledgedMessagesMax, bytesMax: bounds.unacknowledgedBytesMax };
    this.#queue = identity.subprotocol === reliableSubprotocol ? new ReliableQueue(queueBounds) : undefined;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isReliable(): boolean {
    return this.#queue !== undefined;
  }

  /** Goes on with this socket, the first or a later one, and sends it what was not acknowledged. A socket that it had is cut. */
  attach(socket: WebSocket): void {
    const { bounds } = this.#context;
    const before = this.#writer;
    const writer = new SocketWriter(socket, { framesMax: bounds.socketFramesMax, bytesMax: bounds.socketBytesMax });
    this.#writer = writer;
    before?.socket.terminate();
    this.#cancelEnd?.();
    this.#cancelEnd = undefined;
    socket.on('message', (data) => this.#hear(writer, textOf(data)));
    // Each ping is answered, and nothing bounds what waits of the answers but the rate.
    for (const frame of ['ping', 'pong'] as const) socket.on(frame, () => void this.#takes(writer));
    // Of frames that are not of the protocol's form; the library closes with the fitting code.
    socket.on('error', () => this.end('The client broke the WebSocket protocol.', { byPeer: true }));
    socket.on('close', (code, reason) => this.#lost(writer, code, reason.toString()));
    const { connectionId, userId, reconnectionToken } = this.identity;
    this.control(connectedFrame({ connectionId, userId, ...(this.isReliable ? { reconnectionToken } : {}) }));
    for (const [sequenceId, message] of this.#queue?.unacknowledged() ?? []) {
      this.control(withSequenceId(sequenceId, message));
    }
  }

  /** Sends a message, or keeps it for a client that is expected back. */
  send(message: OutboundMessage): void {
    if (this.#hasEnded) return;
    this.#context.counters.sent += 1;
    if (this.#queue === undefined) return this.control(message.plainFrame);
    const sequenceId = this.#queue.push(message);
    if (sequenceId === undefined) return this.#shedSlow();
    this.control(withSequenceId(sequenceId, message));
  }

  /** Sends a frame that has no sequence id; without a socket it is lost. */
  control(frame: string | Buffer): void {
    if (this.#writer?.write(frame) === false) this.#shedSlow();
  }

  acknowledge(sequenceId: number): void {
    this.#queue?.acknowledge(sequenceId);
  }

  /** Sends a ping. A peer that has not been heard of since the last one has lost its socket. */
  keepAlive(): void {
    if (this.#writer?.ping() === false) this.#writer.socket.terminate();
  }

  /** Cuts the socket as a broken network would; for tests of recovery. */
  cut(): void {
    this.#writer?.socket.terminate();
  }

  /** Ends it for good. */
  end(reason: string, how: EndManner = {}): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelEnd?.();
    this.#cancelEnd = undefined;
    this.#queue?.clear();
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer !== undefined) this.#leave(writer, reason, how);
    this.#context.counters.ended += 1;
    this.#context.ended(this, reason);
  }

  #leave(writer: SocketWriter, reason: string, how: EndManner): void {
    const { socket } = writer;
    if (how.cut === true) return socket.terminate();
    if (how.byPeer !== true) {
      writer.write(disconnectedFrame(reason));
      socket.close(policyCloseCode, closeReasonOf(reason));
    }
    cutLater(socket, this.#context);
  }

  #shedSlow(): void {
    if (this.#hasEnded) return;
    this.#context.counters.shedSlow += 1;
    this.end('SlowClient: messages were not read or acknowledged fast enough.', { cut: true });
  }

  #hear(writer: SocketWriter, text: string): void {
    if (!this.#takes(writer)) return;
    this.#context.counters.received += 1;
    this.#context.received(this, text);
  }

  /** Whether a frame of this socket is heard: it is the connection's, and within its rate. */
  #takes(writer: SocketWriter): boolean {
    if (writer !== this.#writer) return false;
    writer.heard();
    if (this.#rate.take()) return true;
    this.#context.counters.shedFloods += 1;
    this.end('Too many messages were sent.');
    return false;
  }

  #lost(writer: SocketWriter, code: number, reason: string): void {
    if (writer !== this.#writer) return;
    if (this.isReliable && code === lostCloseCode) {
      this.#writer = undefined;
      const giveUp = (): void => this.end('The client did not come back.');
      this.#cancelEnd = this.#context.timers.after(this.#context.bounds.recoverMs, giveUp);
      return;
    }
    this.end(reason === '' ? `The client closed (${code}).` : reason, { byPeer: true });
  }
}
