import { createDiskChangeFeed } from '../../shared/adapters/disk/disk-change-feed.ts';
import { createMemoryChangeFeed } from '../../shared/adapters/memory/memory-change-feed.ts';
import type { ChangeFeed } from '../../shared/ports/change-feed.ts';
import { type Log, silentLog } from '../../shared/ports/log.ts';
import type { Config } from '../config.ts';
import { openStorageAccount } from './storage-account.ts';

/** The change feed that is configured; `none` is one in which nothing ever happens. */
export async function openChangeFeed(changeFeed: Config['changeFeed'], log: Log = silentLog): Promise<ChangeFeed> {
  if (changeFeed.adapter === 'none') return createMemoryChangeFeed();
  if (changeFeed.adapter === 'disk') return createDiskChangeFeed({ folder: changeFeed.folder, log });
  const access = await openStorageAccount(changeFeed.account, 'blob');
  const { createAzureChangeFeed } = await import('../../shared/adapters/azure-change-feed/azure-change-feed.ts');
  return createAzureChangeFeed({ access });
}
