import { createDiskBlobStore } from '../../shared/adapters/disk/disk-blob-store.ts';
import { createMemoryBlobStore } from '../../shared/adapters/memory/memory-blob-store.ts';
import { silentLog } from '../../shared/ports/log.ts';
import { createBlobServer } from '../../local/blob/blob-server.ts';
import { blobStoreContract } from './blob-store.contract.ts';
import { createManualClock } from './manual-clock.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

blobStoreContract('memory', async () => {
  const clock = createManualClock();
  const store = createMemoryBlobStore({ clock });
  return { store, fetch: (url, init) => store.fetch(new Request(url, init)), advance: clock.advance };
});

blobStoreContract('disk, through the blob endpoint', async (t) => {
  const clock = createManualClock();
  const folder = await createTemporaryFolder(t);
  const key = new Uint8Array(32).fill(5);
  const server = createBlobServer({ folder, key, clock, log: silentLog });
  const endpoint = await server.start('127.0.0.1', 0);
  t.after(() => server.close(0));
  const open = () => createDiskBlobStore({ folder, endpoint, key, clock });
  return { store: open(), fetch: globalThis.fetch, advance: clock.advance, reopen: async () => open() };
});
