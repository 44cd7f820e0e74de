import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

export function registerManifests(getService: GetService): void {
  const authLevel = 'anonymous';
  const handler = toHttpHandler(getService);
  app.http('manifestCommit', { route: 'manifest/commit', methods: ['POST'], authLevel, handler });
  app.http('manifestProof', { route: 'manifest/proof', methods: ['POST'], authLevel, handler });
  app.http('manifestVerify', { route: 'manifest/verify', methods: ['POST'], authLevel, handler });
  app.http('manifestRead', { route: 'manifest/read', methods: ['POST'], authLevel, handler });
}
