import { parseWorkspaceId } from '../../core/ids.ts';
import {
  type WorkspaceView,
  createWorkspaceRequest,
  patchWorkspaceRequest,
  workspaceList,
  workspaceView,
} from '../../core/wire/workspace.ts';
import { createWorkspace } from '../../services/create-workspace.ts';
import { deleteWorkspace } from '../../services/delete-workspace.ts';
import { getWorkspace } from '../../services/get-workspace.ts';
import { listWorkspaces } from '../../services/list-workspaces.ts';
import { patchWorkspace } from '../../services/patch-workspace.ts';
import { flagText } from '../parameters.ts';
import { ifMatchVersion } from '../preconditions.ts';
import { type Route, flagQuery, mustGetParam, route } from '../route.ts';

/** The record's version, and the head, which a view shows too. */
function etagOf({ version, seq }: WorkspaceView): string {
  return `${version ?? 0}-${seq}`;
}

export const workspaceRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/workspaces',
    scope: 'sync.write',
    summary: 'Create a workspace',
    description:
      'The caller becomes its owner. The same user and token give the same workspace, so a repeat is harmless.',
    request: createWorkspaceRequest,
    response: workspaceView,
    etag: etagOf,
    run: (deps, { caller, body }) => createWorkspace(deps, { caller, request: body }),
  }),
  route({
    method: 'GET',
    path: '/workspaces',
    scope: 'sync.read',
    summary: 'The workspaces of the caller',
    request: null,
    response: workspaceList,
    query: [
      { name: 'deleted', description: 'Whether to list those too that the caller owns and deleted.', schema: flagText },
    ],
    run: async (deps, { caller, query }) => ({
      workspaces: await listWorkspaces(deps, { caller, deleted: flagQuery(query, 'deleted') }),
    }),
  }),
  route({
    method: 'GET',
    path: '/workspaces/{ws}',
    scope: 'sync.read',
    summary: 'One workspace, with its head',
    description: 'One that was deleted is there for its owners only, until it is purged.',
    request: null,
    response: workspaceView,
    etag: etagOf,
    run: (deps, { caller, params }) =>
      getWorkspace(deps, { caller, workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')) }),
  }),
  route({
    method: 'PATCH',
    path: '/workspaces/{ws}',
    scope: 'sync.write',
    summary: 'Change a workspace, or bring a deleted one back',
    description: 'For its owners. What is null or left out stays. `deleted: false` brings a deleted workspace back.',
    request: patchWorkspaceRequest,
    response: workspaceView,
    etag: etagOf,
    ifMatch: 'required',
    run: (deps, { caller, params, headers, body }) =>
      patchWorkspace(deps, {
        caller,
        workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')),
        request: body,
        expected: ifMatchVersion(headers),
      }),
  }),
  route({
    method: 'DELETE',
    path: '/workspaces/{ws}',
    scope: 'sync.write',
    summary: 'Delete a workspace',
    description: 'For its owners, who can bring it back for 30 days; then everything in it is purged.',
    request: null,
    response: workspaceView,
    etag: etagOf,
    ifMatch: 'required',
    run: (deps, { caller, params, headers }) =>
      deleteWorkspace(deps, {
        caller,
        workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')),
        expected: ifMatchVersion(headers),
      }),
  }),
];
