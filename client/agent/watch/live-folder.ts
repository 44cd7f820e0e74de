/** What can be asked of a watched folder beside its engine. All of it at once, also while it is being synced. */
import type { SyncStatus } from '../engine/report.ts';
import type { WatchView } from './watch-state.ts';

export interface LiveFolder {
  view(): WatchView;
  /** As the newest sync left it, with what is known of changes since. */
  status(): Promise<SyncStatus>;
  /** A pause begins or ends, as the journal has it now. A sync at work is broken off when one begins. */
  pauseChanged(): void;
  /** Something happened that the watch could not see (an event of the server, an action that a person asked for): sync at once. */
  wake(): void;
}
