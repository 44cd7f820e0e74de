/** A socket of the real package, and what it told; and services that keep to nothing. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, type Socket as NetSocket, createServer as createNetServer } from 'node:net';
import type { TestContext } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import type { EndReason, Socket } from '../../../client/agent/realtime/socket.ts';
import { webPubSubSockets } from '../../../client/agent/realtime/web-pubsub-socket.ts';
import type { Timers } from '../../../client/agent/watch/timers.ts';

/** Waits for what is told. */
export class Story {
  readonly told: string[] = [];
  #wake: (() => void)[] = [];

  tell(what: string): void {
    this.told.push(what);
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resolves when it was told so many times. */
  async hears(what: string, times = 1): Promise<void> {
    while (this.count(what) < times) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  count(what: string): number {
    return this.told.filter((word) => word === what).length;
  }
}

/** The machine's, with the least of chance. */
export function machineTimers(): Timers {
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    random: () => 0,
    after: (ms, work) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  };
}

export interface WatchedSocket {
  readonly socket: Socket;
  readonly story: Story;
  readonly messages: Uint8Array[];
  readonly ended: Promise<{ readonly reason: EndReason; readonly askedMs: number }>;
}

export function watchSocket(t: TestContext, url: string, timers: Timers = machineTimers()): WatchedSocket {
  const story = new Story();
  const messages: Uint8Array[] = [];
  let end: (value: { reason: EndReason; askedMs: number }) => void = () => undefined;
  const ended = new Promise<{ reason: EndReason; askedMs: number }>((resolve) => (end = resolve));
  const socket = webPubSubSockets(timers)(url, {
    opened: () => story.tell('opened'),
    message: (bytes) => {
      messages.push(bytes);
      story.tell('message');
    },
    dropped: () => story.tell('dropped'),
    ended: (reason, askedMs) => {
      story.tell('ended');
      end({ reason, askedMs });
    },
  });
  t.after(() => socket.close());
  return { socket, story, messages, ended };
}

export interface RawService {
  readonly url: string;
  /** The next line that a client opens. */
  readonly accepted: () => Promise<WebSocket>;
  /** From now on whoever comes is refused by this status. */
  readonly refuse: (status: number) => void;
}

/** Speaks the subprotocol's name, and otherwise says what the test says. */
export async function startRawService(t: TestContext): Promise<RawService> {
  let refusal: number | undefined;
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    verifyClient: (_info, answer) => answer(refusal === undefined, refusal),
  });
  const waiting: WebSocket[] = [];
  const story = new Story();
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    waiting.push(socket);
    story.tell('accepted');
  });
  await once(server, 'listening');
  t.after(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  let taken = 0;
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/client/hubs/tidemark`,
    accepted: async () => {
      await story.hears('accepted', ++taken);
      return waiting[taken - 1]!;
    },
    refuse: (status) => (refusal = status),
  };
}

/** Answers every handshake by a status. */
export async function startRefusal(t: TestContext, status: number, headers: Record<string, string>): Promise<string> {
  const server = createServer();
  server.on('upgrade', (_request, socket) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} No\r\n${lines.join('')}content-length: 0\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/client`;
}

/** Takes connections and says nothing. `taken`: the first one has sent its handshake. */
export async function startSilence(t: TestContext): Promise<{ readonly url: string; readonly taken: Promise<void> }> {
  const sockets = new Set<NetSocket>();
  const server = createNetServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  const taken = once(server, 'connection').then(async ([socket]) => void (await once(socket as NetSocket, 'data')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/client`, taken };
}

export function namedFrame(connectionId: string): string {
  return JSON.stringify({ type: 'system', event: 'connected', connectionId, reconnectionToken: 'again', userId: 'u' });
}

export function binaryFrame(sequenceId: number, bytes: Uint8Array): string {
  const data = Buffer.from(bytes).toString('base64');
  return JSON.stringify({ type: 'message', from: 'group', group: 'g', sequenceId, dataType: 'binary', data });
}
