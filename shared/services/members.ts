/**
 * Who is in a workspace. Its owners say so; everyone may leave. There is always an owner: the last one is neither removed nor made
 * less, or nobody could ever change anything.
 */
import { TidemarkError } from '../core/errors.ts';
import type { UserId, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { MemberList, WorkspaceRole } from '../core/wire/workspace.ts';
import type { WorkspaceMember, WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise, requireScope } from './authorise.ts';
import { type ExpectedVersion, changeWorkspace } from './change-workspace.ts';
import type { Needs } from './dependencies.ts';
import { expelFormerMember } from './realtime/expel-former-member.ts';

function toList({ version, members }: WorkspaceRecord): MemberList {
  return { version, members };
}

/** The members, for each of them, in the order in which they came. */
export async function listMembers(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller; readonly workspaceId: WorkspaceId },
): Promise<MemberList> {
  const { workspace } = await authorise(deps, input.caller, input.workspaceId, 'read');
  return toList(workspace);
}

export interface MemberInput {
  readonly caller: Caller;
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  readonly expected: ExpectedVersion;
}

/**
 * Gives somebody a role: a new member, or another role for one. A repeat changes nothing. That there is such a user is not
 * checked: user ids are the issuer's.
 * @throws TidemarkError `conflict` for the last owner; `too-large` past `workspaceMembersMax`; `not-found`, `forbidden`,
 * `precondition-failed`.
 */
export async function putMember(
  deps: Needs<'metadata' | 'log'>,
  input: MemberInput & { readonly role: WorkspaceRole },
): Promise<MemberList> {
  const { caller, workspaceId, userId, role, expected } = input;
  const { workspace } = await changeWorkspace(deps, {
    expected,
    find: () => authorise(deps, caller, workspaceId, 'admin'),
    change: ({ workspace: { members } }) => {
      const member = members.find((each) => each.userId === userId);
      if (member?.role === role) return null;
      const changed = member === undefined ? [...members, { userId, role }] : withRole(members, userId, role);
      return { members: checkMembers(changed) };
    },
  });
  deps.log.info({ workspaceId, role }, 'a member has this role');
  return toList(workspace);
}

/**
 * Takes somebody out, oneself too: then any role will do. One who is no member stays none. What the devices of who goes have on
 * their disks stays there; what connections they have end.
 * @throws TidemarkError `conflict` for the last owner; `not-found`, `forbidden`, `precondition-failed`.
 */
export async function removeMember(
  deps: Needs<'metadata' | 'log' | 'announcer' | 'clock'>,
  input: MemberInput,
): Promise<MemberList> {
  const { caller, workspaceId, userId, expected } = input;
  requireScope(caller, 'write');
  const isLeaving = userId === caller.userId;
  let wasMember = false;
  const { workspace } = await changeWorkspace(deps, {
    expected,
    find: () => authorise(deps, caller, workspaceId, isLeaving ? 'read' : 'admin'),
    change: ({ workspace: { members } }) => {
      const left = members.filter((member) => member.userId !== userId);
      wasMember = left.length < members.length;
      return wasMember ? { members: checkMembers(left) } : null;
    },
  });
  deps.log.info({ workspaceId, isLeaving }, 'somebody is no member any more');
  await expelFormerMember(deps, { workspaceId, userId, wasMember });
  return toList(workspace);
}

function withRole(members: readonly WorkspaceMember[], userId: UserId, role: WorkspaceRole): WorkspaceMember[] {
  return members.map((member) => (member.userId === userId ? { userId, role } : member));
}

function checkMembers(members: readonly WorkspaceMember[]): readonly WorkspaceMember[] {
  const { workspaceMembersMax } = limits;
  if (members.length > workspaceMembersMax) {
    throw new TidemarkError('too-large', `a workspace has at most ${workspaceMembersMax} members`, {
      data: { workspaceMembersMax },
    });
  }
  if (!members.some(({ role }) => role === 'owner')) {
    throw new TidemarkError(
      'conflict',
      'this is the last owner: make somebody else an owner before, or delete the workspace',
    );
  }
  return members;
}
