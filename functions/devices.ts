import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

export function registerDevices(getService: GetService): void {
  const authLevel = 'anonymous';
  const handler = toHttpHandler(getService);
  app.http('devices', { route: 'devices', methods: ['GET', 'POST'], authLevel, handler });
  app.http('device', { route: 'devices/{device}', methods: ['DELETE'], authLevel, handler });
}
