/**
 * How an account is reached: by an identity, as in Azure, or by its key, which only an emulator on this machine may be reached
 * with, unless the operator says otherwise. A key opens everything for ever.
 */
import { CosmosClient, type CosmosClientOptions } from '@azure/cosmos';
import type { TokenCredential } from '@azure/identity';
import { TidemarkError } from '../../core/errors.ts';

export type CosmosAccess =
  | { readonly kind: 'identity'; readonly endpoint: string; readonly credential: TokenCredential }
  | {
      readonly kind: 'key';
      readonly endpoint: string;
      /** Base64. */
      readonly key: string;
      /** Whether the account may be on another machine. */
      readonly allowRemote?: boolean;
    };

/** Throttled requests are sent again so often, after the waits that the account asks for, at most this long altogether. */
const throttleRetriesMax = 5;
const throttleSecondsMax = 3;
/** A request, however often the SDK sends it, is given up after this long. */
export const requestMsMax = 10_000;

function checkEndpoint(access: CosmosAccess): void {
  const { endpoint } = access;
  if (!URL.canParse(endpoint)) throw new TidemarkError('malformed', 'the endpoint of Cosmos DB is not a URL');
  const { protocol, hostname } = new URL(endpoint);
  const isLocal = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  if (protocol !== 'https:' && !(isLocal && access.kind === 'key')) {
    throw new TidemarkError('malformed', 'an account of Cosmos DB has an https endpoint');
  }
  if (access.kind === 'key' && !isLocal && access.allowRemote !== true) {
    throw new TidemarkError(
      'forbidden',
      'an account of Cosmos DB on another machine is reached by an identity, not a key',
    );
  }
}

/**
 * A client that the stores can use. Endpoint discovery is off: a stack uses the account of its own region, and with discovery
 * the SDK would answer a read that its replica cannot by dropping the session's token and reading what is older.
 * @throws TidemarkError `malformed` or `forbidden`, without the key or the endpoint.
 */
export function createCosmosClient(access: CosmosAccess): CosmosClient {
  checkEndpoint(access);
  const options: CosmosClientOptions = {
    endpoint: access.endpoint,
    ...(access.kind === 'key' ? { key: access.key } : { aadCredentials: access.credential }),
    connectionPolicy: {
      enableEndpointDiscovery: false,
      enableBackgroundEndpointRefreshing: false,
      requestTimeout: requestMsMax,
      retryOptions: {
        maxRetryAttemptCount: throttleRetriesMax,
        fixedRetryIntervalInMilliseconds: 0,
        maxWaitTimeInSeconds: throttleSecondsMax,
      },
    },
  };
  return new CosmosClient(options);
}
