/** An event handler: answers as it is told, and keeps what it was sent. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface HandledEvent {
  readonly method: string;
  /** After `azure.webpubsub.`; empty for the handshake. */
  readonly type: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HandlerAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface EventHandler {
  readonly url: string;
  readonly events: HandledEvent[];
  /** How events are answered; 204 unless set. */
  answer: (event: HandledEvent) => HandlerAnswer | Promise<HandlerAnswer>;
  /** How the handshake is answered. */
  allow: (origin: string) => HandlerAnswer;
  /** The events of POST without the handshake, by type. */
  types(): string[];
  /** Resolves when an event of this type has come that `wanted` accepts, with it. */
  seen(type: string, wanted?: (event: HandledEvent) => boolean): Promise<HandledEvent>;
  /** Answers nobody any more. */
  stop(): Promise<void>;
}

export async function startEventHandler(t: TestContext, port = 0): Promise<EventHandler> {
  const events: HandledEvent[] = [];
  let listeners: (() => void)[] = [];
  const server = createServer();
  const handler: EventHandler = {
    url: '',
    events,
    answer: () => ({ status: 204 }),
    allow: () => ({ status: 200, headers: { 'webhook-allowed-origin': '*' } }),
    types: () => events.filter(({ method }) => method === 'POST').map(({ type }) => type),
    seen: async (type, wanted = () => true) => {
      for (;;) {
        const found = events.find((event) => event.type === type && wanted(event));
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => listeners.push(resolve));
      }
    },
    stop: async () => {
      server.closeAllConnections();
      if (!server.listening) return;
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method = '', headers } = request;
    const type = String(headers['ce-type'] ?? '').replace(/^azure\.webpubsub\./, '');
    const event = { method, type, headers, body: Buffer.concat(pieces) };
    events.push(event);
    for (const listener of listeners.splice(0)) listener();
    const isHandshake = method === 'OPTIONS';
    const answer = isHandshake ? handler.allow(String(headers['webhook-request-origin'])) : await handler.answer(event);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  server.on('request', (request, response) => void serve(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => handler.stop());
  const bound = (server.address() as AddressInfo).port;
  listeners = [];
  return Object.assign(handler, { url: `http://127.0.0.1:${bound}/events?code=of-the-handler` });
}
