/** What happens in workspaces now: where to listen for it, and who is there. */
import { parseWorkspaceId } from '../../core/ids.ts';
import { presenceList } from '../../core/wire/presence.ts';
import { negotiateRequest, negotiateResponse } from '../../core/wire/realtime-negotiate.ts';
import { listPresence } from '../../services/realtime/list-presence.ts';
import { negotiate } from '../../services/realtime/negotiate.ts';
import { type Route, mustGetParam, route } from '../route.ts';

export const realtimeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/realtime/negotiate',
    scope: 'sync.read',
    summary: 'Where to listen for what happens in some workspaces',
    description:
      'A WebSocket URL of the realtime service that is good for minutes, for the seats that the caller may have; the others are left ' +
      'out. Without a seat, or without such a service, there is none: then poll. Nothing is told there that the journal does not tell.',
    errors: ['unavailable'],
    request: negotiateRequest,
    response: negotiateResponse,
    run: (deps, { caller, body }) => negotiate(deps, { caller, request: body }),
  }),
  route({
    method: 'GET',
    path: '/workspaces/{ws}/presence',
    scope: 'sync.read',
    summary: 'Which devices are in a workspace now, or were lately',
    description:
      'Those that are there first, then by when they were last heard of. It is for people to see: a device may be there and not be heard.',
    request: null,
    response: presenceList,
    run: (deps, { caller, params }) =>
      listPresence(deps, { caller, workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')) }),
  }),
];
