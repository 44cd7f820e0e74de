/** What the server's SDK asks for, by the paths and statuses of api-version 2024-12-01. */
import type { Connection } from './connection.ts';
import { targetOf } from './fan-out.ts';
import { encodeMessage, isGroupName } from './json-protocol.ts';
import { payloadOf } from './payload.ts';
import { isGroupAction } from './permissions.ts';
import {
  BadRequest,
  type RestAnswer,
  type RestRequest,
  type Route,
  answerError,
  integerOf,
  mustParseFilter,
  namedOf,
  wantedBy,
} from './rest-request.ts';

const ok: RestAnswer = { status: 200 };
const accepted: RestAnswer = { status: 202 };
const done: RestAnswer = { status: 204 };
/** Answers of HEAD say no more than their status. */
const missing: RestAnswer = answerError(404, 'NotFound', 'There is no such connection, user or group in the hub.');

/** What waits is sent within about a second. */
const tooMany: RestAnswer = {
  ...answerError(429, 'TooManyRequests', 'Too many messages wait to be sent.'),
  retryAfterSeconds: 1,
};

const ttlSecondsMax = 300;
const defaultReason = 'The server closed the connection.';
const minutesMax = 1_440;

type Targets = (request: RestRequest) => Iterable<Connection>;
type Names = 'connectionId' | 'group' | 'userId';

const everybody: Targets = ({ hub }) => hub.all();
const group: Targets = (request) => request.hub.inGroup(namedOf(request, 'group'));
const user: Targets = (request) => request.hub.ofUser(namedOf(request, 'userId'));
const connection: Targets = (request) => {
  const found = request.hub.get(namedOf(request, 'connectionId'));
  return found === undefined ? [] : [found];
};

function isEmpty(targets: Iterable<Connection>): boolean {
  for (const _ of targets) return false;
  return true;
}

/** @param named what of the path names the target. Undefined: everybody. */
function send(targets: Targets, named?: Names): Route {
  return (request) => {
    integerOf(request.query, 'messageTtlSeconds', 0, ttlSecondsMax);
    const payload = payloadOf(request.contentType, request.body);
    if (payload === undefined) throw new BadRequest('The body is not of a content type that is served, or no JSON.');
    const { fanOut } = request.endpoint;
    const name = named === undefined ? '' : namedOf(request, named);
    const isWanted = wantedBy(request);
    const isAccepted = fanOut.accept({
      message: encodeMessage(named === 'group' ? { from: 'group', group: name } : { from: 'server' }, payload),
      target: targetOf(request.hubName, named, name),
      connections: targets(request),
      isWanted: (one) => isWanted(one) && (named !== 'group' || one.groups.has(name)),
    });
    return isAccepted ? accepted : tooMany;
  };
}

function exists(targets: Targets): Route {
  return (request) => (isEmpty(targets(request)) ? missing : ok);
}

function close(targets: Targets): Route {
  return (request) => {
    const reason = request.query.get('reason');
    const isWanted = wantedBy(request);
    for (const one of targets(request)) {
      if (isWanted(one)) one.end(reason === null || reason === '' ? defaultReason : reason);
    }
    return done;
  };
}

function join(targets: Targets, whenNobody: RestAnswer): Route {
  return (request) => {
    const joining = [...targets(request)];
    if (joining.length === 0) return whenNobody;
    const joined = joining.filter((one) => request.hub.join(one, namedOf(request, 'group')));
    if (joined.length === joining.length) return ok;
    return answerError(400, 'TooManyGroups', 'A connection is in as many groups as it may be.');
  };
}

function leave(targets: Targets): Route {
  return (request) => {
    for (const one of targets(request)) request.hub.leave(one, namedOf(request, 'group'));
    return done;
  };
}

function leaveAll(targets: Targets): Route {
  return (request) => {
    for (const one of targets(request)) request.hub.leaveAll(one);
    return done;
  };
}

function permission(method: 'PUT' | 'DELETE' | 'HEAD'): Route {
  return (request) => {
    const action = namedOf(request, 'permission');
    const target = request.query.get('targetName') ?? undefined;
    const [found] = connection(request);
    if (!isGroupAction(action)) throw new BadRequest('The permissions are joinLeaveGroup and sendToGroup.');
    if (target !== undefined && !isGroupName(target)) throw new BadRequest('targetName is no name of a group.');
    if (method === 'HEAD') return found?.permissions.may(action, target) === true ? ok : missing;
    if (method === 'DELETE') {
      found?.permissions.revoke(action, target);
      return done;
    }
    if (found === undefined) return missing;
    if (found.permissions.size >= request.endpoint.bounds.permissionsPerConnectionMax) {
      return answerError(400, 'TooManyPermissions', 'The connection has as many permissions as it may have.');
    }
    found.permissions.grant(action, target);
    return ok;
  };
}

/** Pages in the order of connection ids, so that one that comes or goes moves no other. */
const listGroup: Route = (request) => {
  const { query, endpoint, url } = request;
  const pageSize = integerOf(query, 'maxpagesize', 1, endpoint.bounds.pageSizeMax) ?? endpoint.bounds.pageSizeMax;
  const top = integerOf(query, 'top', 1, 2_147_483_647);
  const after = query.get('continuationToken') ?? '';
  const members = [...group(request)].map(({ identity }) => identity).filter((one) => one.connectionId > after);
  members.sort((one, other) => (one.connectionId < other.connectionId ? -1 : 1));
  const page = members.slice(0, Math.min(pageSize, top ?? pageSize));
  const value = page.map(({ connectionId, userId }) => ({ connectionId, userId }));
  const left = top === undefined ? members.length - page.length : Math.min(members.length, top) - page.length;
  if (left <= 0) return { status: 200, body: { value } };
  const next = new URLSearchParams(query);
  next.set('continuationToken', page.at(-1)!.connectionId);
  if (top !== undefined) next.set('top', `${top - page.length}`);
  return { status: 200, body: { value, nextLink: `${url}?${next.toString()}` } };
};

function groupsAndFilter({ body, endpoint }: RestRequest): {
  readonly groups: readonly string[];
  readonly isWanted: (connection: Connection) => boolean;
} {
  let fields: Readonly<Record<string, unknown>> = {};
  try {
    fields = { ...(JSON.parse(body.toString()) as object) };
  } catch {
    throw new BadRequest('The body is no JSON.');
  }
  const { groups, filter } = fields;
  if (!Array.isArray(groups) || !groups.every(isGroupName)) throw new BadRequest('groups is no list of groups.');
  if (typeof filter !== 'string') throw new BadRequest('filter is missing.');
  return { groups, isWanted: mustParseFilter(filter, endpoint) };
}

const addToGroups: Route = (request) => {
  const { groups, isWanted } = groupsAndFilter(request);
  const joining = [...everybody(request)].filter(isWanted);
  const all = joining.flatMap((one) => groups.map((name) => request.hub.join(one, name)));
  return all.every(Boolean) ? ok : answerError(400, 'TooManyGroups', 'A connection is in as many groups as it may be.');
};

const removeFromGroups: Route = (request) => {
  const { groups, isWanted } = groupsAndFilter(request);
  const leaving = [...everybody(request)].filter(isWanted);
  for (const one of leaving) for (const name of groups) request.hub.leave(one, name);
  return ok;
};

const generateToken: Route = async ({ query, endpoint, hubName }) => {
  const clientType = query.get('clientType') ?? 'default';
  if (clientType.toLowerCase() !== 'default') throw new BadRequest('Only clients of the type Default are served.');
  const request = {
    userId: query.get('userId') ?? undefined,
    roles: query.getAll('role'),
    groups: query.getAll('group'),
    minutes: integerOf(query, 'minutesToExpire', 1, minutesMax) ?? 60,
  };
  return { status: 200, body: { token: await endpoint.tokens.signClient(request, hubName, endpoint.url()) } };
};

/** By method and path after `/api/hubs/{hub}`. */
export const routes: readonly (readonly [method: string, path: string, route: Route])[] = [
  ['POST', '/:send', send(everybody)],
  ['POST', '/:closeConnections', close(everybody)],
  ['POST', '/:generateToken', generateToken],
  ['POST', '/:addToGroups', addToGroups],
  ['POST', '/:removeFromGroups', removeFromGroups],
  ['HEAD', '/connections/{connectionId}', exists(connection)],
  ['DELETE', '/connections/{connectionId}', close(connection)],
  ['POST', '/connections/{connectionId}/:send', send(connection, 'connectionId')],
  ['DELETE', '/connections/{connectionId}/groups', leaveAll(connection)],
  ['HEAD', '/groups/{group}', exists(group)],
  ['POST', '/groups/{group}/:send', send(group, 'group')],
  ['POST', '/groups/{group}/:closeConnections', close(group)],
  ['GET', '/groups/{group}/connections', listGroup],
  ['PUT', '/groups/{group}/connections/{connectionId}', join(connection, missing)],
  ['DELETE', '/groups/{group}/connections/{connectionId}', leave(connection)],
  ['HEAD', '/users/{userId}', exists(user)],
  ['POST', '/users/{userId}/:send', send(user, 'userId')],
  ['POST', '/users/{userId}/:closeConnections', close(user)],
  ['DELETE', '/users/{userId}/groups', leaveAll(user)],
  ['PUT', '/users/{userId}/groups/{group}', join(user, ok)],
  ['DELETE', '/users/{userId}/groups/{group}', leave(user)],
  ['HEAD', '/permissions/{permission}/connections/{connectionId}', permission('HEAD')],
  ['PUT', '/permissions/{permission}/connections/{connectionId}', permission('PUT')],
  ['DELETE', '/permissions/{permission}/connections/{connectionId}', permission('DELETE')],
];
