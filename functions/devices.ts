import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

export function registerDevices(getService: GetService): void {
  const handler = toHttpHandler(getService);
  app.http('devices', { route: 'devices', methods: ['POST'], authLevel: 'anonymous', handler });
}
