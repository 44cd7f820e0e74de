/** A realtime endpoint with both official packages before it. Ends with the test. */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { WebPubSubServiceClient } from '@azure/web-pubsub';
import {
  WebPubSubClient,
  type WebPubSubClientOptions,
  WebPubSubJsonProtocol,
  WebPubSubJsonReliableProtocol,
} from '@azure/web-pubsub-client';
import { type ClientOptions, WebSocket } from 'ws';
import type { WebPubSubBounds } from '../../../local/web-pubsub/bounds.ts';
import { reliableSubprotocol } from '../../../local/web-pubsub/json-protocol.ts';
import { type WebPubSubServer, connectionStringOf, createWebPubSubServer } from '../../../local/web-pubsub/server.ts';
import type { Log } from '../../../shared/ports/log.ts';
import { type ManualClock, createManualClock } from '../../contracts/manual-clock.ts';
import { type ManualTimers, createManualTimers } from '../../contracts/manual-timers.ts';

export const accessKey = Buffer.alloc(32, 7).toString('base64');
export const hub = 'tidemark';

export interface RealtimeWorld {
  readonly server: WebPubSubServer;
  readonly service: WebPubSubServiceClient;
  readonly endpoint: string;
  /** Stands at the machine's time: the SDKs sign with it. */
  readonly clock: ManualClock;
  readonly timers: ManualTimers;
  readonly logged: string[];
  /** A started client of the official package. */
  readonly connect: (user?: ClientUser) => Promise<ConnectedClient>;
  /** A URL with a token. */
  readonly urlOf: (user?: ClientUser) => Promise<string>;
}

export interface ClientUser {
  readonly userId?: string;
  readonly roles?: string[];
  readonly groups?: string[];
  readonly plain?: boolean;
  readonly options?: WebPubSubClientOptions;
}

export interface ConnectedClient {
  readonly client: WebPubSubClient;
  readonly connectionId: string;
  /** Data of messages from groups and from the server, as they came. */
  readonly heard: unknown[];
  /** Resolves when so many messages have come. */
  readonly hears: (count: number) => Promise<void>;
}

export interface WorldOptions {
  readonly webhookUrl?: string;
  readonly bounds?: Partial<WebPubSubBounds>;
  readonly later?: (run: () => void) => void;
}

function createRecordingLog(logged: string[]): Log {
  const write = (fields: object, message: string): void => void logged.push(JSON.stringify({ ...fields, message }));
  return { debug: write, info: write, warn: write, error: write };
}

async function connectClient(t: TestContext, url: string, user: ClientUser): Promise<ConnectedClient> {
  const protocol = user.plain === true ? WebPubSubJsonProtocol() : WebPubSubJsonReliableProtocol();
  const messageRetryOptions = { maxRetries: 0 };
  const client = new WebPubSubClient(url, {
    protocol,
    messageRetryOptions,
    autoReconnect: false,
    // Its timers outlive it, and the process of the test with them.
    keepAliveIntervalInMs: 0,
    keepAliveTimeoutInMs: 0,
    ...user.options,
  });
  const heard: unknown[] = [];
  let wake = (): void => undefined;
  const hear = (data: unknown): void => {
    heard.push(data);
    wake();
  };
  client.on('group-message', ({ message }) => hear(message.data));
  client.on('server-message', ({ message }) => hear(message.data));
  const connected = new Promise<string>((resolve) => client.on('connected', (event) => resolve(event.connectionId)));
  await client.start();
  t.after(() => client.stop());
  const hears = async (count: number): Promise<void> => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { client, connectionId: await connected, heard, hears };
}

export async function createRealtimeWorld(t: TestContext, options: WorldOptions = {}): Promise<RealtimeWorld> {
  const clock = createManualClock(Date.now());
  const timers = createManualTimers();
  const logged: string[] = [];
  const log = createRecordingLog(logged);
  const { webhookUrl = null, bounds = {}, later } = options;
  const given = { accessKey, endpoint: null, webhookUrl, clock, timers, log, bounds, ...(later && { later }) };
  const server = createWebPubSubServer(given);
  const endpoint = await server.start('127.0.0.1', 0);
  t.after(async () => {
    const closed = server.close(0);
    timers.advance(0);
    await closed;
  });
  const service = new WebPubSubServiceClient(connectionStringOf(endpoint, accessKey), hub, {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });
  const urlOf = async ({ userId, roles, groups }: ClientUser = {}): Promise<string> => {
    const said = { ...(userId === undefined ? {} : { userId }), ...(roles && { roles }), ...(groups && { groups }) };
    return (await service.getClientAccessToken(said)).url;
  };
  return {
    server,
    service,
    endpoint,
    clock,
    timers,
    logged,
    urlOf,
    connect: async (user = {}) => connectClient(t, await urlOf(user), user),
  };
}

export interface OpenSocket {
  readonly socket: WebSocket;
  /** What was received, parsed. */
  readonly frames: Frame[];
  /** The first frame that `wanted` accepts; waits for it. */
  readonly frame: (wanted: (frame: Frame) => boolean) => Promise<Frame>;
  /** The code of its end. */
  readonly closed: Promise<number>;
  readonly say: (message: object) => void;
}

export type Frame = Readonly<Record<string, unknown>>;

/** A WebSocket without the package: it does only what it is told. */
export function openSocket(
  t: TestContext,
  url: string,
  subprotocol: string | string[] = reliableSubprotocol,
  options: ClientOptions = {},
): OpenSocket {
  const socket = new WebSocket(url, subprotocol, options);
  socket.on('error', () => undefined);
  t.after(() => socket.terminate());
  const frames: Frame[] = [];
  let wake: (() => void)[] = [];
  socket.on('message', (data: Buffer) => {
    frames.push(JSON.parse(data.toString()) as Frame);
    for (const one of wake.splice(0)) one();
  });
  const frame = async (wanted: (frame: Frame) => boolean): Promise<Frame> => {
    for (;;) {
      const found = frames.find(wanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => wake.push(resolve));
    }
  };
  wake = [];
  const closed = new Promise<number>((resolve) => socket.on('close', (code: number) => resolve(code)));
  return { socket, frames, frame, closed, say: (message) => socket.send(JSON.stringify(message)) };
}

/** Its first frame, which names the connection. */
export async function connectedOf({ frame }: OpenSocket): Promise<ConnectedFrame> {
  return (await frame(({ event }) => event === 'connected')) as unknown as ConnectedFrame;
}

export interface ConnectedFrame {
  readonly connectionId: string;
  readonly reconnectionToken: string;
  readonly userId?: string;
}

/** Lets the event loop turn until `isTrue`. */
export async function until(t: TestContext, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    t.signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The status by which an upgrade was refused, and its text. */
export async function refusalOf({ socket }: OpenSocket): Promise<{ readonly status: number; readonly text: string }> {
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    NodeJS.ReadableStream & { statusCode: number },
  ];
  let text = '';
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode, text };
}
