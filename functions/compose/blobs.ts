import { loadBlobUrlKey } from '../../shared/adapters/disk/blob-url-key.ts';
import { createDiskBlobStore } from '../../shared/adapters/disk/disk-blob-store.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { type Log, silentLog } from '../../shared/ports/log.ts';
import type { Config } from '../config.ts';
import { openStorageAccount } from './storage-account.ts';

/** The blob store that is configured. Nothing of it is touched before its first call. */
export async function openBlobs(blobs: Config['blobs'], clock: Clock, log: Log = silentLog): Promise<BlobStore> {
  if (blobs.adapter === 'disk') {
    const { folder, endpoint, keyFile } = blobs;
    return createDiskBlobStore({ folder, endpoint, key: await loadBlobUrlKey(keyFile), clock, log });
  }
  const access = await openStorageAccount(blobs.account, 'blob');
  const { createAzureBlobStore } = await import('../../shared/adapters/azure-blob/azure-blob-store.ts');
  // An emulator begins empty; in Azure the templates make the containers, and the service need not be allowed to.
  return createAzureBlobStore({ access, clock, createContainers: access.kind === 'account-key' });
}
