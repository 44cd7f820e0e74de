import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createSqliteQueue } from '../../shared/adapters/sqlite/sqlite-queue.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Queue } from '../../shared/ports/queue.ts';
import type { Config } from '../config.ts';
import { openStorageAccount } from './storage-account.ts';

/** The queues that are configured. */
export async function openQueues(queues: Config['queues'], clock: Clock): Promise<Queue> {
  if (queues.adapter === 'sqlite') {
    await mkdir(path.dirname(queues.file), { recursive: true });
    return createSqliteQueue({ file: queues.file, clock });
  }
  const access = await openStorageAccount(queues.account, 'queue');
  const { createAzureQueue } = await import('../../shared/adapters/azure-queue/azure-queue.ts');
  return createAzureQueue({ access, createQueues: access.kind === 'account-key' });
}
