/** The HTTP face, the same on Azure, on the local host and in tests: a Request in, a Response out. Here is its table of routes. */
import { handleRequest } from './handle-request.ts';
import { createRequestKeys } from './request-keys.ts';
import type { ApiDependencies, Route } from './route.ts';
import { descriptionRoutes } from './routes/description.ts';
import { deviceRoutes } from './routes/devices.ts';
import { historyRoutes } from './routes/history.ts';
import { manifestRoutes } from './routes/manifests.ts';
import { memberRoutes } from './routes/members.ts';
import { operatorRoutes } from './routes/operator.ts';
import { realtimeRoutes } from './routes/realtime.ts';
import { serverInfoRoutes } from './routes/server-info.ts';
import { transferRoutes } from './routes/transfer.ts';
import { workspaceRoutes } from './routes/workspaces.ts';

export type { ApiDependencies } from './route.ts';

export const routes: readonly Route[] = [
  ...workspaceRoutes,
  ...memberRoutes,
  ...deviceRoutes,
  ...transferRoutes,
  ...manifestRoutes,
  ...historyRoutes,
  ...realtimeRoutes,
  ...operatorRoutes,
  ...serverInfoRoutes,
  ...descriptionRoutes,
];

export interface Api {
  /** Never rejects. */
  handle(request: Request, context?: { readonly invocationId?: string }): Promise<Response>;
}

export function createApi(deps: ApiDependencies): Api {
  const served = { deps, table: routes, keys: createRequestKeys() };
  return { handle: (request, context) => handleRequest(served, request, context?.invocationId) };
}
