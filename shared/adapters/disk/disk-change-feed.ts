/** The change feed of a blob folder (change-log.ts says what is in it). It trails by nothing. */
import path from 'node:path';
import type { ChangeFeed } from '../../ports/change-feed.ts';
import { isTidemarkError } from '../../core/errors.ts';
import { attemptNow } from '../sqlite/database.ts';
import { ChangeLog, type ChangeLogOptions, changeLogName } from './change-log.ts';
import { makeFolderDurably } from './durable-folders.ts';
import { NameLock, nameLockName } from './name-lock.ts';

export interface DiskChangeFeed extends ChangeFeed {
  close(): void;
}

/** @param folder the store's; made when missing, so that a reader may be first. `kept` is for tests. */
export function createDiskChangeFeed({
  folder,
  ...options
}: { readonly folder: string } & ChangeLogOptions): DiskChangeFeed {
  const log = new ChangeLog(path.join(folder, changeLogName), options);
  const lock = new NameLock(path.join(folder, nameLockName));
  return {
    read: async (cursor, limit) => {
      await makeFolderDurably(folder);
      try {
        return attemptNow(() => log.read(cursor, limit));
      } catch (error) {
        if (!isTidemarkError(error, 'corrupt')) throw error;
        lock.run(() => log.leaveAside());
        return attemptNow(() => log.read(cursor, limit));
      }
    },
    close: () => log.close(),
  };
}
