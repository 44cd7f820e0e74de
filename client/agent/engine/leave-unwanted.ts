/** Takes from this disk what the user excluded and the workspace has: as anything that others deleted, but the server is told nothing. */
import { Selection } from '../select/selection.ts';
import { applyPlan } from './apply.ts';
import { planPage } from './converge.ts';
import type { SyncRun } from './sync-run.ts';

/** Returns how much was removed. What could not be, is a problem of this sync and is tried again by the next. */
export async function leaveUnwanted(run: SyncRun): Promise<number> {
  const { journal } = run.needs;
  let done = 0;
  for (;;) {
    const pending = new Selection(journal).pending();
    if (pending.length === 0) return done;
    run.enter({ name: 'negotiating' });
    const { applications } = planPage(run, [], pending);
    const removed = applications.length === 0 ? 0 : await applyPlan(run, applications);
    if (removed === 0) return done;
    done += removed;
  }
}
