import path from 'node:path';
import { createMemoryQueue } from '../../shared/adapters/memory/memory-queue.ts';
import { createSqliteQueue } from '../../shared/adapters/sqlite/sqlite-queue.ts';
import { createManualClock } from './manual-clock.ts';
import { queueContract } from './queue.contract.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

queueContract('memory', async () => {
  const clock = createManualClock();
  return { queue: createMemoryQueue({ clock }), advance: clock.advance };
});

queueContract('SQLite file', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'queues.sqlite');
  const clock = createManualClock();
  const open = () => {
    const queue = createSqliteQueue({ file, clock });
    t.after(() => queue.close());
    return queue;
  };
  return { queue: open(), advance: clock.advance, reopen: async () => open() };
});
