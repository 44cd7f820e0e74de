import { parseWorkspaceId } from '../../core/ids.ts';
import { createWorkspaceRequest, workspaceList, workspaceView } from '../../core/wire/workspace.ts';
import { createWorkspace } from '../../services/create-workspace.ts';
import { getWorkspace } from '../../services/get-workspace.ts';
import { listWorkspaces } from '../../services/list-workspaces.ts';
import { type Route, mustGetParam, route } from '../route.ts';

export const workspaceRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/workspaces',
    scope: 'sync.write',
    request: createWorkspaceRequest,
    response: workspaceView,
    run: (deps, { caller, body }) => createWorkspace(deps, { caller, request: body }),
  }),
  route({
    method: 'GET',
    path: '/workspaces',
    scope: 'sync.read',
    request: null,
    response: workspaceList,
    run: async (deps, { caller }) => ({ workspaces: await listWorkspaces(deps, { caller }) }),
  }),
  route({
    method: 'GET',
    path: '/workspaces/{ws}',
    scope: 'sync.read',
    request: null,
    response: workspaceView,
    run: (deps, { caller, params }) =>
      getWorkspace(deps, { caller, workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')) }),
  }),
];
