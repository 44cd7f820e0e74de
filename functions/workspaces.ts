import { app } from '@azure/functions';
import { toHttpHandler } from './http-handler.ts';
import type { GetService } from './service.ts';

/** Workspaces, and what they hold and how it came to. */
export function registerWorkspaces(getService: GetService): void {
  const authLevel = 'anonymous';
  const handler = toHttpHandler(getService);
  app.http('workspaces', { route: 'workspaces', methods: ['GET', 'POST'], authLevel, handler });
  app.http('workspace', { route: 'workspaces/{ws}', methods: ['GET', 'PATCH', 'DELETE'], authLevel, handler });
  app.http('members', { route: 'workspaces/{ws}/members', methods: ['GET'], authLevel, handler });
  app.http('member', { route: 'workspaces/{ws}/members/{userId}', methods: ['PUT', 'DELETE'], authLevel, handler });
  app.http('presence', { route: 'workspaces/{ws}/presence', methods: ['GET'], authLevel, handler });
  app.http('changes', { route: 'workspaces/{ws}/changes', methods: ['GET'], authLevel, handler });
  app.http('versions', { route: 'workspaces/{ws}/nodes/{node}/versions', methods: ['GET'], authLevel, handler });
  app.http('treeSync', { route: 'tree/sync', methods: ['POST'], authLevel, handler });
  app.http('restore', { route: 'workspaces/{ws}/restore', methods: ['POST'], authLevel, handler });
  app.http('tree', { route: 'workspaces/{ws}/tree', methods: ['GET'], authLevel, handler });
}
