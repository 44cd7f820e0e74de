/** What a workspace holds, and how it came to. */
import { parseWorkspaceId } from '../../core/ids.ts';
import { changesResponse } from '../../core/wire/changes.ts';
import { treeListing } from '../../core/wire/tree-listing.ts';
import { listChanges } from '../../services/list-changes.ts';
import { listTree } from '../../services/list-tree.ts';
import { type Route, integerQuery, mustGetParam, route } from '../route.ts';

export const historyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/workspaces/{ws}/changes',
    scope: 'sync.read',
    request: null,
    response: changesResponse,
    run: (deps, { caller, params, query }) => {
      const workspaceId = parseWorkspaceId(mustGetParam(params, 'ws'));
      return listChanges(deps, { caller, workspaceId, after: integerQuery(query, 'after', 0) });
    },
  }),
  route({
    method: 'GET',
    path: '/workspaces/{ws}/tree',
    scope: 'sync.read',
    request: null,
    response: treeListing,
    run: (deps, { caller, params, query }) => {
      const workspaceId = parseWorkspaceId(mustGetParam(params, 'ws'));
      return listTree(deps, { caller, workspaceId, path: query.get('path') ?? '', after: query.get('after') });
    },
  }),
];
