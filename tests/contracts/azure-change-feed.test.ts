/** The Azure change feed adapter over Microsoft's reader, on the feed that the embedded Azurite writes. An hour goes by in each `settle`. */
import { startAzurite } from '../../local/azurite/azurite.ts';
import { type ChangeFeedWriter, createChangeFeedWriter } from '../../local/azurite/change-feed-writer.ts';
import { createAzureBlobStore } from '../../shared/adapters/azure-blob/azure-blob-store.ts';
import { createAzureChangeFeed } from '../../shared/adapters/azure-change-feed/azure-change-feed.ts';
import { connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { changeFeedContract } from './change-feed.contract.ts';
import { createManualClock } from './manual-clock.ts';

changeFeedContract('azure, on Azurite', async (t) => {
  const clock = createManualClock();
  const now = (): number => clock.now();
  let writer: ChangeFeedWriter | undefined;
  const azurite = await startAzurite({ folder: null, now, onChange: (change) => writer?.append(change) });
  t.after(() => azurite.close());
  writer = createChangeFeedWriter(azurite, now);
  await writer.flush();
  const access = connectionStringAccess(azurite.connectionString, 'blob');
  return {
    store: createAzureBlobStore({ access, clock: systemClock, createContainers: true }),
    feed: createAzureChangeFeed({ access }),
    settle: async () => {
      await writer.flush();
      clock.advance(3_600_000);
      await writer.flush();
    },
  };
});
