import { app } from '@azure/functions';
import { sweep } from '../shared/services/sweep.ts';
import type { GetService } from './service.ts';

/** Once an hour, off the full hour, when everybody's timers fire. */
const schedule = '0 17 * * * *';

export function registerSweep(getService: GetService): void {
  app.timer('sweep', {
    schedule,
    handler: async () => {
      const { deps } = await getService();
      await sweep(deps);
    },
  });
}
