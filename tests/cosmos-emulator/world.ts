/** An emulator with one container, and the official SDK's client of it. */
import type { TestContext } from 'node:test';
import { type Container, CosmosClient, type CosmosClientOptions } from '@azure/cosmos';
import { type CosmosEmulator, type EmulatorOptions, startCosmosEmulator } from './emulator.ts';

export interface EmulatorWorld {
  readonly emulator: CosmosEmulator;
  readonly client: CosmosClient;
  /** Partition key /pk; documents may have a ttl; `id` and `n` are indexed. */
  readonly container: Container;
}

/** A client that waits for nothing that was not asked for. */
export function createClient(endpoint: string, key: string, options: Partial<CosmosClientOptions> = {}): CosmosClient {
  return new CosmosClient({
    endpoint,
    key,
    connectionPolicy: { enableBackgroundEndpointRefreshing: false, retryOptions: { maxRetryAttemptCount: 0 } },
    ...options,
  });
}

export async function createEmulatorWorld(t: TestContext, options: EmulatorOptions = {}): Promise<EmulatorWorld> {
  const emulator = await startCosmosEmulator(options);
  t.after(() => emulator.close());
  const client = createClient(emulator.endpoint, emulator.key);
  t.after(() => client.dispose());
  const { database } = await client.databases.createIfNotExists({ id: 'test' });
  const { container } = await database.containers.createIfNotExists({
    id: 'things',
    partitionKey: { paths: ['/pk'] },
    defaultTtl: -1,
    indexingPolicy: { includedPaths: [{ path: '/n/?' }], excludedPaths: [{ path: '/*' }] },
  });
  return { emulator, client, container };
}
