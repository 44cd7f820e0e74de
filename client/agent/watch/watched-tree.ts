/** The watcher of a folder over its life: started, refreshed after storms, given up for looking at intervals, tried again. */
import { pace } from './pace.ts';
import type { Timers } from './timers.ts';
import type { SyncReason, WatchView } from './watch-state.ts';
import type { StartWatcher, Watcher } from './watcher.ts';

/** Changes between two looks after which the system may have dropped some (its queue has 16,384 places on Linux). */
const stormChanges = 1_000;

export interface TreeListener {
  readonly changed: (path?: string) => void;
  readonly lost: () => void;
  readonly tell: (watcher: WatchView['watcher']) => void;
}

export interface WatchedTree {
  view(): WatchView['watcher'];
  /** To be called before the folder is looked at, so that nothing falls between. `changes`: told since the last look. */
  tend(reason: SyncReason, changes: number): Promise<void>;
  close(): void;
}

interface TreeNeeds {
  readonly timers: Timers;
  readonly startWatcher: StartWatcher;
}

export async function watchTree(root: string, needs: TreeNeeds, listener: TreeListener): Promise<WatchedTree> {
  const { timers, startWatcher } = needs;
  let watcher: Watcher | undefined;
  let lostReason: string | undefined;
  let againAt = Infinity;
  const view = (): WatchView['watcher'] => ({
    mode: lostReason === undefined ? 'events' : 'polling',
    folders: lostReason === undefined ? (watcher?.folders ?? 0) : 0,
    reason: lostReason ?? null,
  });
  const start = async (): Promise<void> => {
    watcher?.close();
    lostReason = undefined;
    againAt = Infinity;
    watcher = await startWatcher(root, {
      changed: listener.changed,
      lost: (reason) => {
        lostReason = reason;
        againAt = timers.now() + pace.scanMs;
        listener.lost();
        listener.tell(view());
      },
    });
    if (lostReason === undefined) listener.tell(view());
  };
  await start();
  return {
    view,
    tend: async (reason, changes) => {
      if (lostReason !== undefined) {
        if (timers.now() >= againAt) await start();
      } else if (reason === 'scan' || reason === 'resumed' || changes >= stormChanges) {
        await watcher?.refresh();
      }
    },
    close: () => watcher?.close(),
  };
}
