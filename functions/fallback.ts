import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

/** Whatever no other function takes: the API answers it with a problem, as it answers everything. */
export function registerFallback(getService: GetService): void {
  app.http('fallback', {
    route: '{*path}',
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    authLevel: 'anonymous',
    handler: toHttpHandler(getService),
  });
}
