/** The composition of the SDK for one server: the only place in the client that names its adapters for the network. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { type ApiClient, createApiClient } from '../sdk/api-client.ts';
import { type BlobClient, createBlobClient } from '../sdk/blob-client.ts';
import type { RetryPolicy, Waiter } from '../sdk/retry.ts';
import type { TokenSource } from '../sdk/tokens.ts';
import { fetchTransport, withCount, withTimeout } from '../sdk/transport.ts';
import type { CliContext } from './context.ts';
import { openCredentials } from './credentials.ts';
import { createTokenSource } from './identity.ts';

export interface Traffic {
  bytesSent: number;
  bytesReceived: number;
  requests: number;
}

export interface Connection {
  readonly server: string;
  readonly user: string;
  readonly api: ApiClient;
  readonly blobs: BlobClient;
  readonly traffic: Traffic;
}

/** One request, body and all: long enough for a pack on a slow line. */
const requestTimeoutMs = 120_000;

const waiter: Waiter = {
  sleep: async (ms, signal) => {
    await sleepFor(ms, undefined, { signal });
  },
  random: () => Math.random(),
};

const noTokens: TokenSource = {
  token: () => Promise.reject(new Error('this call needs no token')),
  renew: () => Promise.reject(new Error('this call needs no token')),
};

interface Wiring {
  readonly api: ApiClient;
  readonly blobs: BlobClient;
  readonly traffic: Traffic;
}

function wire(server: string, tokens: TokenSource, retry?: RetryPolicy): Wiring {
  const traffic: Traffic = { bytesSent: 0, bytesReceived: 0, requests: 0 };
  const transport = withCount(withTimeout(fetchTransport, requestTimeoutMs), () => traffic.requests++);
  const onTraffic = (sent: number, received: number) => {
    traffic.bytesSent += sent;
    traffic.bytesReceived += received;
  };
  const common = { transport, waiter, now: () => Date.now(), onTraffic, ...(retry === undefined ? {} : { retry }) };
  return {
    api: createApiClient({ ...common, baseUrl: server, tokens, lz4: nodeCodecs.lz4 }),
    blobs: createBlobClient(common),
    traffic,
  };
}

/** For the calls that need no login. */
export function connectAnonymously(server: string): ApiClient {
  return wire(server, noTokens, { attempts: 2, baseMs: 100, capMs: 500, retryAfterMaxMs: 0 }).api;
}

/** As the person logged in at `server` (by default where they logged in last). */
export function connect(context: CliContext, server?: string): Connection {
  const store = openCredentials(context.configFolder);
  const { server: name, credential } = store.get(server);
  return {
    server: name,
    user: credential.user,
    ...wire(
      name,
      createTokenSource(store, name, () => Date.now()),
    ),
  };
}
