import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

/** What needs no token. */
export function registerServerInfo(getService: GetService): void {
  const authLevel = 'anonymous';
  const handler = toHttpHandler(getService);
  app.http('health', { route: 'health', methods: ['GET'], authLevel, handler });
  app.http('keys', { route: '.well-known/tidemark-keys.json', methods: ['GET'], authLevel, handler });
  app.http('openapi', { route: 'openapi.json', methods: ['GET'], authLevel, handler });
  app.http('docs', { route: 'docs', methods: ['GET'], authLevel, handler });
  app.http('configuration', { route: '.well-known/tidemark-configuration', methods: ['GET'], authLevel, handler });
}
