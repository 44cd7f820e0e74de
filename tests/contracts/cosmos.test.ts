/**
 * The metadata contract over Cosmos DB: on the emulator, and on a real account as well when COSMOS_ENDPOINT and COSMOS_KEY name
 * one. There each test makes a database of its own and deletes it: give an account that holds nothing else, serverless.
 */
import { randomUUID } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import type { CosmosClient } from '@azure/cosmos';
import { createCosmosDatabase } from '../../shared/adapters/cosmos/containers.ts';
import { createCosmosClient } from '../../shared/adapters/cosmos/cosmos-access.ts';
import { createCosmosMetadataStore } from '../../shared/adapters/cosmos/cosmos-metadata-store.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { startCosmosEmulator } from '../cosmos-emulator/emulator.ts';
import { type MetadataStoreUnderTest, metadataStoreContract } from './metadata-store.contract.ts';

/** Entries move out of the head's partition early, so that the contract meets a journal in both places. */
const archive = { keep: 4, every: 2 };

async function open(t: TestContext, connect: () => CosmosClient): Promise<MetadataStoreUnderTest> {
  const database = `contract-${randomUUID()}`;
  const openStore = () => {
    const client = connect();
    t.after(() => client.dispose());
    return {
      client,
      store: createCosmosMetadataStore({ client, database, clock: systemClock, randomness: systemRandomness, archive }),
    };
  };
  const { client, store } = openStore();
  await createCosmosDatabase(client, database);
  t.after(() => client.database(database).delete());
  return { store, reopen: async () => openStore().store };
}

metadataStoreContract('Cosmos DB, emulated', async (t) => {
  const emulator = await startCosmosEmulator();
  const { endpoint, key } = emulator;
  const made = await open(t, () => createCosmosClient({ kind: 'key', endpoint, key }));
  t.after(() => emulator.close());
  return made;
});

const { COSMOS_ENDPOINT: endpoint = '', COSMOS_KEY: key = '' } = process.env;
if (endpoint !== '' && key !== '') {
  metadataStoreContract('Cosmos DB, a real account', (t) =>
    open(t, () => createCosmosClient({ kind: 'key', endpoint, key, allowRemote: true })),
  );
} else {
  describe('metadata store: Cosmos DB, a real account', () => {
    test('the contract', { skip: 'set COSMOS_ENDPOINT and COSMOS_KEY to run it on a real account' }, () => {});
  });
}
