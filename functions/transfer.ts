import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

export function registerTransfer(getService: GetService): void {
  const authLevel = 'anonymous';
  const handler = toHttpHandler(getService);
  app.http('uploadSession', { route: 'upload/session', methods: ['POST'], authLevel, handler });
  app.http('uploadSessionStatus', { route: 'upload/session/{session}', methods: ['GET'], authLevel, handler });
  app.http('downloadSession', { route: 'download/session', methods: ['POST'], authLevel, handler });
}
