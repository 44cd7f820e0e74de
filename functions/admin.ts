import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

/** What operators may do. Not under `admin`: Azure's host keeps routes that begin so for itself. */
export function registerAdmin(getService: GetService): void {
  const authLevel = 'anonymous';
  const handler = toHttpHandler(getService);
  const on = (name: string, method: 'GET' | 'POST' | 'PUT', route: string): void => {
    app.http(name, { route: `operator/${route}`, methods: [method], authLevel, handler });
  };
  on('operatorUsage', 'GET', 'usage');
  on('operatorQuota', 'PUT', 'workspaces/{ws}/quota');
  on('operatorFsck', 'POST', 'fsck');
  on('operatorRebuildIndex', 'POST', 'rebuild-index');
  on('operatorQuarantine', 'GET', 'quarantine');
  on('operatorRelease', 'POST', 'quarantine/release');
  on('operatorPurge', 'POST', 'quarantine/purge');
  on('operatorIncidents', 'GET', 'incidents');
  on('operatorFeed', 'GET', 'feed');
  on('operatorPoison', 'GET', 'poison');
}
