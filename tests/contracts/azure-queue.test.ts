/** The Azure queue adapter through the official SDK, on Azurite. Every test has an account of its own. */
import { after } from 'node:test';
import { startAzurite } from '../../local/azurite/azurite.ts';
import { createAzureQueue } from '../../shared/adapters/azure-queue/azure-queue.ts';
import { connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { queueContract } from './queue.contract.ts';

const azurite = await startAzurite({ folder: null });
after(() => azurite.close());

queueContract('azure, on Azurite', async () => {
  const { connectionString } = azurite.addAccount();
  const open = () =>
    createAzureQueue({ access: connectionStringAccess(connectionString, 'queue'), createQueues: true });
  return { queue: open(), reopen: async () => open() };
});
