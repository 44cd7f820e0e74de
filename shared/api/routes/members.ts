/** Who is in a workspace. */
import { parseUserId, parseWorkspaceId } from '../../core/ids.ts';
import { type MemberList, memberList, putMemberRequest } from '../../core/wire/workspace.ts';
import { type MemberInput, listMembers, putMember, removeMember } from '../../services/members.ts';
import { ifMatchVersion } from '../preconditions.ts';
import { type Call, type Route, mustGetParam, route } from '../route.ts';

function etagOf({ version }: MemberList): string {
  return String(version);
}

function memberOf({ caller, params, headers }: Call<unknown>): MemberInput {
  return {
    caller,
    workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')),
    userId: parseUserId(mustGetParam(params, 'userId')),
    expected: ifMatchVersion(headers),
  };
}

export const memberRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/workspaces/{ws}/members',
    scope: 'sync.read',
    summary: 'Who is in a workspace',
    request: null,
    response: memberList,
    etag: etagOf,
    run: (deps, { caller, params }) =>
      listMembers(deps, { caller, workspaceId: parseWorkspaceId(mustGetParam(params, 'ws')) }),
  }),
  route({
    method: 'PUT',
    path: '/workspaces/{ws}/members/{userId}',
    scope: 'sync.write',
    summary: 'Give somebody a role in a workspace',
    description: 'For its owners. The last owner cannot be made less.',
    request: putMemberRequest,
    response: memberList,
    etag: etagOf,
    ifMatch: 'optional',
    errors: ['conflict'],
    run: (deps, call) => putMember(deps, { ...memberOf(call), role: call.body.role }),
  }),
  route({
    method: 'DELETE',
    path: '/workspaces/{ws}/members/{userId}',
    scope: 'sync.write',
    summary: 'Take somebody out of a workspace',
    description: 'For its owners, and for everyone to leave it. The last owner cannot go.',
    request: null,
    response: memberList,
    etag: etagOf,
    ifMatch: 'optional',
    errors: ['conflict'],
    run: (deps, call) => removeMember(deps, memberOf(call)),
  }),
];
