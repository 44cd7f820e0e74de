import { app } from '@azure/functions';
import { projectAllVersions } from '../shared/services/project-all-versions.ts';
import { type GetService, runOnService } from './service.ts';

/** Every five minutes, off the full minute. */
const schedule = '40 3/5 * * * *';

export function registerProjectVersions(getService: GetService): void {
  app.timer('projectVersions', {
    schedule,
    handler: () => runOnService(getService, projectAllVersions),
  });
}
