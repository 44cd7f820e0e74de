/**
 * Azure Web PubSub, or an endpoint that stands in for it. Each call is one request, sent once more if it was not answered well, so a message
 * may come twice; and each is over after `requestMsMax`, whatever the service asks to be waited for.
 */
import { type WebPubSubServiceClientOptions, WebPubSubServiceClient } from '@azure/web-pubsub';
import type { Clock } from '../../ports/clock.ts';
import { type ClientUrl, type Notifier, realtimeHub, roleOfGroup } from '../../ports/notifier.ts';
import { type WebPubSubAccess, checkAccess } from './web-pubsub-access.ts';
import { statusOf, toNotifierError } from './web-pubsub-error.ts';

const retryOptions = { maxRetries: 1, retryDelayInMs: 100, maxRetryDelayInMs: 500 };
/** Messages are of some hundred bytes; the SDK would wait as long as a throttling service asks it to. */
const requestMsMax = 10_000;
/** The service takes whole minutes. */
const minuteMs = 60_000;

export interface WebPubSubNotifierOptions {
  readonly access: WebPubSubAccess;
  readonly clock: Clock;
  /** Whether a connection string may name an endpoint on another machine: otherwise that is refused. */
  readonly allowRemoteKey?: boolean;
  /** Sends the SDK's requests; tests have one of their own. */
  readonly httpClient?: NonNullable<WebPubSubServiceClientOptions['httpClient']>;
}

function openClient({ access, allowRemoteKey = false, httpClient }: WebPubSubNotifierOptions): WebPubSubServiceClient {
  checkAccess(access, allowRemoteKey);
  const options = { retryOptions, ...(httpClient && { httpClient }) };
  if (typeof access !== 'string') {
    return new WebPubSubServiceClient(access.endpoint, access.credential, realtimeHub, options);
  }
  // Of an endpoint that `checkAccess` let through, and then on this machine.
  const local = { ...options, allowInsecureConnection: true };
  return new WebPubSubServiceClient(access, realtimeHub, local);
}

async function attempt<Value>(call: (signal: AbortSignal) => Promise<Value>, signal?: AbortSignal): Promise<Value> {
  const limit = AbortSignal.timeout(requestMsMax);
  try {
    return await call(signal === undefined ? limit : AbortSignal.any([signal, limit]));
  } catch (error) {
    throw toNotifierError(error);
  }
}

/** Nothing is asked of the service before the first call. Throws as `checkAccess` does. */
export function createWebPubSubNotifier(options: WebPubSubNotifierOptions): Notifier {
  const client = openClient(options);
  const { clock } = options;
  return {
    clientUrl: (userId, groups, seconds): Promise<ClientUrl> =>
      attempt(async (abortSignal) => {
        const expirationTimeInMinutes = Math.max(1, Math.ceil((seconds * 1_000) / minuteMs));
        // Before it is made, so that it is good for a moment longer than is said, and not shorter.
        const expiresMs = clock.now() + expirationTimeInMinutes * minuteMs;
        const roles = groups.map(roleOfGroup);
        const { url } = await client.getClientAccessToken({ userId, roles, expirationTimeInMinutes, abortSignal });
        return { url, expiresMs };
      }),
    send: (group, message, signal) =>
      attempt(async (abortSignal) => {
        await client.group(group).sendToAll(message, { abortSignal });
      }, signal),
    closeUser: (userId, reason) =>
      attempt(async (abortSignal) => {
        await client.closeUserConnections(userId, { reason, abortSignal });
      }),
    closeGroup: (group, reason) =>
      attempt(async (abortSignal) => {
        await client.group(group).closeAllConnections({ reason, abortSignal });
      }),
    closeConnection: (connectionId, reason) =>
      attempt(async (abortSignal) => {
        try {
          await client.closeConnection(connectionId, { reason, abortSignal });
        } catch (error) {
          if (statusOf(error) !== 404) throw error;
        }
      }),
  };
}
