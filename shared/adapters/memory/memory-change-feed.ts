/** A change feed in memory: a list, which a store in memory (or a test that says what it wants) appends to. Trails by nothing. */
import { TidemarkError } from '../../core/errors.ts';
import type { BlobChange, ChangeFeed } from '../../ports/change-feed.ts';

export interface MemoryChangeFeed extends ChangeFeed {
  append(change: BlobChange): void;
}

const cursorStart = 'memory-';

/** @throws TidemarkError `malformed` on a cursor that is none of this feed's. */
function parseCursor(cursor: string, length: number): number {
  const digits = cursor.startsWith(cursorStart) ? cursor.slice(cursorStart.length) : '';
  if (/^\d{1,15}$/.test(digits) && Number(digits) <= length) return Number(digits);
  throw new TidemarkError('malformed', 'the cursor is none of this change feed');
}

export function createMemoryChangeFeed(): MemoryChangeFeed {
  const changes: BlobChange[] = [];
  return {
    append: (change) => void changes.push(change),
    read: async (cursor, limit) => {
      const from = cursor === null ? 0 : parseCursor(cursor, changes.length);
      const page = changes.slice(from, from + limit);
      return { changes: page, cursor: page.length === 0 ? cursor : `${cursorStart}${from + page.length}` };
    },
  };
}
