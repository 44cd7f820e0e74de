/**
 * A stand-in for an Azure Cosmos DB account (API for NoSQL, gateway mode, session consistency) that the official SDK talks to
 * over http. It knows what our adapter uses and refuses everything else. Documents are in SQLite: `file` keeps them,
 * ':memory:' does not. It is test equipment: one physical partition a container, no throughput, no scripts, no change feed.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkAuthorization } from './authorization.ts';
import { Refusal } from './refusal.ts';
import { type Answer, type EmulatedRequest, type World, answer } from './requests.ts';
import { Storage } from './storage.ts';
import { parseTarget } from './target.ts';

/** What to do to a request instead of, or after, answering it. */
export type Fault =
  | { readonly kind: 'throttle'; readonly retryAfterMs: number }
  | { readonly kind: 'answer'; readonly status: number; readonly substatus?: number }
  /** One operation of a batch fails with this status, and so nothing of it is done. Other requests are done. */
  | { readonly kind: 'operation'; readonly at: number; readonly status: number }
  /** The connection breaks before the request is looked at. */
  | { readonly kind: 'break-before' }
  /** It is done, and the connection breaks instead of its answer. */
  | { readonly kind: 'break-after' };

export interface EmulatorOptions {
  readonly file?: string;
  readonly port?: number;
  readonly now?: () => number;
  /** The most writes that reads without a session token may be behind; `lag` says how many they are. */
  readonly lagMax?: number;
}

export interface CosmosEmulator {
  readonly endpoint: string;
  /** The master key, base64. */
  readonly key: string;
  /** How many writes reads without a session token are behind, from now on; at most `lagMax`. */
  lag: number;
  /** Asked about every request, which waits for the answer; undefined: none. */
  fault: ((request: EmulatedRequest) => Fault | undefined | Promise<undefined>) | undefined;
  /** Told every request that was answered, with its charge in request units. */
  observe: ((request: EmulatedRequest, charge: number) => void) | undefined;
  close(): Promise<void>;
}

/** The same for every emulator: it protects nothing but tests of signatures. */
export const emulatorKey = Buffer.from('a key of the emulator, which is no secret').toString('base64');

async function readBody(message: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  if (parts.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

function refusalToAnswer(error: unknown): Answer {
  const refusal = error instanceof Refusal ? error : new Refusal(500, String(error));
  const substatus = refusal.substatus === undefined ? {} : { 'x-ms-substatus': String(refusal.substatus) };
  return {
    status: refusal.status,
    headers: { 'x-ms-request-charge': '1', ...refusal.headers, ...substatus },
    body: { code: String(refusal.status), message: refusal.message },
  };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'x-ms-activity-id': randomUUID(),
    ...headers,
    ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }),
  });
  response.end(bytes);
}

/** What the service answers when a batch was undone because of one of its operations. */
function refusedBatch(operations: readonly unknown[], at: number, status: number): Answer {
  const results = operations.map((_, i) => ({ statusCode: i === at ? status : 424, requestCharge: 0 }));
  return { status: 207, headers: { 'x-ms-request-charge': '1' }, body: results };
}

function injected(fault: Fault | undefined, { headers, body }: EmulatedRequest): Answer | undefined {
  if (fault?.kind === 'operation') {
    const isBatch = headers['x-ms-cosmos-is-batch-request'] !== undefined;
    return isBatch && Array.isArray(body) ? refusedBatch(body, fault.at, fault.status) : undefined;
  }
  if (fault?.kind === 'throttle') {
    const headers = { 'x-ms-retry-after-ms': String(fault.retryAfterMs) };
    return refusalToAnswer(new Refusal(429, 'request rate is large', { substatus: 3200, headers }));
  }
  if (fault?.kind !== 'answer') return undefined;
  const { status, substatus } = fault;
  return refusalToAnswer(new Refusal(status, 'injected', substatus === undefined ? {} : { substatus }));
}

/** Listens on 127.0.0.1; port 0, the default, takes a free one. */
export async function startCosmosEmulator(options: EmulatorOptions = {}): Promise<CosmosEmulator> {
  const { file = ':memory:', now = Date.now, lagMax = 0 } = options;
  const storage = new Storage({ file, now, lagMax });
  const world: World = { storage, now, lag: () => Math.min(emulator.lag, lagMax), endpoint: () => emulator.endpoint };

  async function respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(message);
      const headers = message.headers as EmulatedRequest['headers'];
      const method = message.method ?? '';
      const target = parseTarget(new URL(message.url ?? '/', emulator.endpoint).pathname);
      checkAuthorization(emulatorKey, method, target, headers);
      const request = { method, target, headers, body };
      const fault = await emulator.fault?.(request);
      if (fault?.kind === 'break-before') return void response.destroy();
      const answered = injected(fault, request) ?? answer(world, request);
      emulator.observe?.(request, Number(answered.headers['x-ms-request-charge'] ?? 0));
      if (fault?.kind === 'break-after') return void response.destroy();
      send(response, answered);
    } catch (error) {
      send(response, refusalToAnswer(error));
    }
  }

  const server = createServer((message, response) => void respond(message, response));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const emulator: CosmosEmulator = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    key: emulatorKey,
    lag: 0,
    fault: undefined,
    observe: undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      storage.close();
    },
  };
  return emulator;
}
