import type { StorageAccess, StorageService } from '../../shared/adapters/azure-storage/storage-access.ts';
import type { StorageAccount } from '../config.ts';

/**
 * Access to one service of a configured account. The SDKs are loaded here and by the adapters over them, so that a stack without an account starts
 * without them.
 * @throws TidemarkError `forbidden` for a connection string of an account that is not on this machine, `malformed` for none.
 */
export async function openStorageAccount(account: StorageAccount, service: StorageService): Promise<StorageAccess> {
  const { connectionStringAccess, identityAccess } =
    await import('../../shared/adapters/azure-storage/storage-access.ts');
  if (account.kind === 'connection') return connectionStringAccess(account.connection, service);
  const { DefaultAzureCredential } = await import('@azure/identity');
  return identityAccess(account.url, new DefaultAzureCredential());
}
