/** What a workspace holds, and how it came to. */
import { parseNodeId, parseWorkspaceId } from '../../core/ids.ts';
import { changesResponse } from '../../core/wire/changes.ts';
import { nodeVersions } from '../../core/wire/node-versions.ts';
import { restoreRequest, restoreResponse } from '../../core/wire/restore.ts';
import { treeListing } from '../../core/wire/tree-listing.ts';
import { listChanges } from '../../services/list-changes.ts';
import { treeSyncRequest, treeSyncResponse } from '../../core/wire/tree-sync.ts';
import { listTree } from '../../services/list-tree.ts';
import { listVersions } from '../../services/list-versions.ts';
import { syncTree } from '../../services/sync-tree.ts';
import { parseHistoryPoint } from '../../services/tree-at.ts';
import { nameText, pathText, pointText, wholeNumber } from '../parameters.ts';
import { type Route, integerQuery, keyedRoute, mustGetParam, route } from '../route.ts';

export const historyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/workspaces/{ws}/changes',
    scope: 'sync.read',
    summary: 'The journal after a place in it',
    description: 'Ascending, without gaps, one page; empty at the head. `more` says that others follow.',
    query: [
      { name: 'after', description: 'The seq of the last entry that is known; 0 if left out.', schema: wholeNumber },
    ],
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
    summary: 'What a folder holds now, or held then',
    description: 'By name in the order of UTF-8 bytes, one page. Pages of one tree are asked for by its `seq`.',
    query: [
      { name: 'path', description: 'Names from the root, joined by `/`; the root if left out.', schema: pathText },
      { name: 'after', description: "The last page's `next`.", schema: nameText },
      { name: 'at', description: 'The seq of a commit, or a time (RFC 3339): what it was then.', schema: pointText },
    ],
    request: null,
    response: treeListing,
    run: (deps, { caller, params, query }) => {
      const workspaceId = parseWorkspaceId(mustGetParam(params, 'ws'));
      const at = query.get('at');
      const page = { path: query.get('path') ?? '', after: query.get('after') };
      return listTree(deps, { caller, workspaceId, ...page, at: at === null ? null : parseHistoryPoint(at) });
    },
  }),
  route({
    method: 'POST',
    path: '/tree/sync',
    scope: 'sync.read',
    summary: 'Nodes of the tree by their hashes',
    description:
      'The Merkle exchange: without hashes the head and its root node, with hashes those nodes, or as many of the first as fit. ' +
      'Whoever holds an older tree comes to the head by the nodes that have changed alone.',
    request: treeSyncRequest,
    response: treeSyncResponse,
    run: (deps, { caller, body }) => syncTree(deps, { caller, request: body }),
  }),
  route({
    method: 'GET',
    path: '/workspaces/{ws}/nodes/{node}/versions',
    scope: 'sync.read',
    summary: 'What commits made of a file, folder or symlink',
    description: 'Newest first, one page.',
    query: [{ name: 'before', description: "The last page's `next`; the newest if left out.", schema: wholeNumber }],
    request: null,
    response: nodeVersions,
    run: (deps, { caller, params, query }) => {
      const workspaceId = parseWorkspaceId(mustGetParam(params, 'ws'));
      const nodeId = parseNodeId(mustGetParam(params, 'node'));
      const before = query.has('before') ? integerQuery(query, 'before', 0) : null;
      return listVersions(deps, { caller, workspaceId, nodeId, before });
    },
  }),
  keyedRoute({
    method: 'POST',
    path: '/workspaces/{ws}/restore',
    scope: 'sync.write',
    summary: 'Bring a file, a folder or everything back to what it was',
    description:
      'A new commit that other devices follow like any other: nothing of the history goes. `more` says that it takes another ' +
      'request, with another Idempotency-Key.',
    errors: ['missing-chunks', 'quota-exceeded'],
    request: restoreRequest,
    response: restoreResponse,
    run: (deps, { caller, params, requestId, body }) => {
      const workspaceId = parseWorkspaceId(mustGetParam(params, 'ws'));
      return deps.restore(deps, { caller, workspaceId, requestId, request: body });
    },
  }),
];
