import { createDiskBlobStore } from '../../shared/adapters/disk/disk-blob-store.ts';
import { createDiskChangeFeed } from '../../shared/adapters/disk/disk-change-feed.ts';
import { createMemoryBlobStore } from '../../shared/adapters/memory/memory-blob-store.ts';
import { createMemoryChangeFeed } from '../../shared/adapters/memory/memory-change-feed.ts';
import { changeFeedContract } from './change-feed.contract.ts';
import { createManualClock } from './manual-clock.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

const settle = (): Promise<void> => Promise.resolve();

changeFeedContract('memory', async () => {
  const changes = createMemoryChangeFeed();
  return { store: createMemoryBlobStore({ clock: createManualClock(), changes }), feed: changes, settle };
});

changeFeedContract('disk', async (t) => {
  const folder = await createTemporaryFolder(t);
  const endpoint = 'http://blobs.example';
  const store = createDiskBlobStore({ folder, endpoint, key: new Uint8Array(32), clock: createManualClock() });
  const feed = createDiskChangeFeed({ folder });
  t.after(() => feed.close());
  return { store, feed, settle };
});
