/** The composition of the SDK for one server: the only place in the client that names its adapters for the network. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { DeviceId } from '../../shared/core/ids.ts';
import { type ApiClient, type StoreSession, createApiClient } from '../sdk/api-client.ts';
import { withBandwidth } from '../sdk/bandwidth.ts';
import { type BlobClient, createBlobClient } from '../sdk/blob-client.ts';
import { type RetryPolicy, type Waiter, defaultRetryPolicy } from '../sdk/retry.ts';
import type { TokenSource } from '../sdk/tokens.ts';
import { fetchTransport, untilAnswered, withCount, withTimeout } from '../sdk/transport.ts';
import type { CliContext } from './context.ts';
import { openCredentials } from './credentials.ts';
import { createTokenSource } from './identity.ts';
import { withTrace } from './trace-requests.ts';

export interface Traffic {
  bytesSent: number;
  bytesReceived: number;
  requests: number;
}

/** What has crossed the wire since `before`. */
export function trafficSince(now: Traffic, before: Traffic): Traffic {
  return {
    bytesSent: now.bytesSent - before.bytesSent,
    bytesReceived: now.bytesReceived - before.bytesReceived,
    requests: now.requests - before.requests,
  };
}

export interface Connection {
  readonly session: StoreSession;
  readonly server: string;
  readonly user: string;
  readonly api: ApiClient;
  readonly blobs: BlobClient;
  readonly traffic: Traffic;
}

/** One request, body and all: long enough for a pack on a slow line. */
const requestTimeoutMs = 120_000;
/** What is in flight gets so long when a person wants to stop: most packs are there by then, and nobody waits for a line that is dead. */
const stopPatienceMs = 10_000;

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
  readonly session: StoreSession;
  readonly api: ApiClient;
  readonly blobs: BlobClient;
  readonly traffic: Traffic;
}

interface Party {
  /** Where the last process of this folder ended. */
  readonly sessionToken?: string | null;
  readonly tokens: TokenSource;
  readonly device?: DeviceId | undefined;
  readonly retry?: RetryPolicy;
  readonly trace?: CliContext['trace'];
  readonly bandwidth?: CliContext['bandwidth'];
}

function wire(server: string, { tokens, device, retry, sessionToken = null, trace, bandwidth }: Party): Wiring {
  const session: StoreSession = { token: sessionToken };
  const traffic: Traffic = { bytesSent: 0, bytesReceived: 0, requests: 0 };
  const line = bandwidth === undefined ? fetchTransport : withBandwidth(fetchTransport, bandwidth);
  const timed = withTimeout(line, requestTimeoutMs + (bandwidth?.patienceMs ?? 0));
  const told = trace === undefined ? timed : withTrace(timed, trace, () => performance.now());
  const patience = () => AbortSignal.timeout(stopPatienceMs);
  const transport = untilAnswered(
    withCount(told, () => traffic.requests++),
    patience,
  );
  const onTraffic = (sent: number, received: number) => {
    traffic.bytesSent += sent;
    traffic.bytesReceived += received;
  };
  const common = { transport, waiter, now: () => Date.now(), onTraffic, ...(retry === undefined ? {} : { retry }) };
  return {
    api: createApiClient({
      ...common,
      session,
      baseUrl: server,
      tokens,
      ...(device === undefined ? {} : { device }),
      lz4: nodeCodecs.lz4,
    }),
    blobs: createBlobClient({ ...common, streamsBodies: true }),
    traffic,
    session,
  };
}

/** For the calls that need no login. */
export function connectAnonymously(server: string): ApiClient {
  const retry = { attempts: 2, baseMs: 100, capMs: 500, retryAfterMaxMs: 0 };
  return wire(server, { tokens: noTokens, retry }).api;
}

/**
 * As the person logged in at `server` (by default where they logged in last), from this device of theirs if it is one, going on in
 * the session of the server's store that an earlier process was in.
 */
export function connect(
  context: CliContext,
  server?: string,
  device?: DeviceId,
  sessionToken: string | null = null,
): Connection {
  const store = openCredentials(context.configFolder);
  const { server: name, credential } = store.get(server);
  return {
    server: name,
    user: credential.user,
    ...wire(name, {
      tokens: createTokenSource(store, name, () => Date.now()),
      device,
      sessionToken,
      trace: context.trace,
      bandwidth: context.bandwidth,
      ...(context.retryBudget === undefined ? {} : { retry: { ...defaultRetryPolicy, budget: context.retryBudget } }),
    }),
  };
}
