/** The Azure adapter through the official SDK, on Azurite. Every test has an account of its own. */
import { after } from 'node:test';
import { startAzurite } from '../../local/azurite/azurite.ts';
import { createAzureBlobStore } from '../../shared/adapters/azure-blob/azure-blob-store.ts';
import { connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { blobStoreContract } from './blob-store.contract.ts';

const azurite = await startAzurite({ folder: null });
after(() => azurite.close());

blobStoreContract('azure, on Azurite', async () => {
  const { connectionString } = azurite.addAccount();
  const open = () =>
    createAzureBlobStore({
      access: connectionStringAccess(connectionString, 'blob'),
      clock: systemClock,
      createContainers: true,
    });
  return { store: open(), fetch: globalThis.fetch, takenStatus: 403, reopen: async () => open() };
});
