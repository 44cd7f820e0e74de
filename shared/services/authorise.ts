/** Who may do what. A caller who is not a member cannot tell a workspace of others from one that does not exist. */
import { TidemarkError } from '../core/errors.ts';
import type { DeviceId, WorkspaceId } from '../core/ids.ts';
import type { WorkspaceRole } from '../core/wire/workspace.ts';
import type { DeviceRecord, WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Caller, Scope } from '../ports/token-verifier.ts';
import type { Needs } from './dependencies.ts';

export type Access = 'read' | 'write' | 'admin';

const rolesOf: Readonly<Record<Access, readonly WorkspaceRole[]>> = {
  read: ['owner', 'editor', 'viewer'],
  write: ['owner', 'editor'],
  admin: ['owner'],
};

const scopeOf: Readonly<Record<Access, Scope>> = { read: 'sync.read', write: 'sync.write', admin: 'sync.admin' };

export interface Authorised {
  readonly workspace: WorkspaceRecord;
  readonly role: WorkspaceRole;
}

/** Throws `forbidden` unless the token has the scope. Looks nothing up, so it tells nothing. */
export function requireScope(caller: Caller, access: Access): void {
  const scope = scopeOf[access];
  if (caller.scopes.has(scope)) return;
  throw new TidemarkError('forbidden', `the access token lacks the scope ${scope}`, { data: { scope } });
}

export function roleOf(workspace: WorkspaceRecord, caller: Caller): WorkspaceRole | undefined {
  return workspace.members.find((member) => member.userId === caller.userId)?.role;
}

/**
 * The workspace, for a member whose token and role allow this.
 * @throws TidemarkError `forbidden` by scope or role; `not-found` for anyone who is not a member.
 */
export async function authorise(
  deps: Needs<'metadata'>,
  caller: Caller,
  workspaceId: WorkspaceId,
  access: Access,
): Promise<Authorised> {
  requireScope(caller, access);
  const workspace = await deps.metadata.workspaces.get(workspaceId);
  const role = workspace === undefined ? undefined : roleOf(workspace, caller);
  if (workspace === undefined || role === undefined) throw new TidemarkError('not-found', 'there is no such workspace');
  if (!rolesOf[access].includes(role)) {
    throw new TidemarkError('forbidden', `the role ${role} does not allow this`, { data: { role } });
  }
  return { workspace, role };
}

/** The device, if it is the caller's own. Throws `not-found` otherwise, whether it exists or not. */
export async function authoriseDevice(
  deps: Needs<'metadata'>,
  caller: Caller,
  deviceId: DeviceId,
): Promise<DeviceRecord> {
  const device = await deps.metadata.devices.get(deviceId);
  if (device?.userId !== caller.userId) throw new TidemarkError('not-found', 'there is no such device of yours');
  return device;
}
