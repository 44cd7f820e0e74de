import { app } from '@azure/functions';
import { purgeWorkspaces } from '../shared/services/purge-workspaces.ts';
import { sweep } from '../shared/services/sweep.ts';
import { type GetService, runOnService } from './service.ts';

/** Once an hour, off the full hour, when everybody's timers fire. */
const schedule = '0 17 * * * *';

export function registerSweep(getService: GetService): void {
  app.timer('sweep', {
    schedule,
    handler: () =>
      runOnService(getService, async (deps) => {
        // One that fails keeps the other from nothing; the next run goes on with both.
        try {
          await sweep(deps);
        } finally {
          await purgeWorkspaces(deps);
        }
      }),
  });
}
