/** Who may do what. A caller who is not a member cannot tell a workspace of others from one that does not exist. */
import { TidemarkError } from '../core/errors.ts';
import type { DeviceId, UserId, WorkspaceId } from '../core/ids.ts';
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

/** An owner runs a workspace with the scope that writes to it; `sync.admin` is for operators of the service (api/operator-route.ts). */
const scopeOf: Readonly<Record<Access, Scope>> = { read: 'sync.read', write: 'sync.write', admin: 'sync.write' };

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

export function roleOf(workspace: WorkspaceRecord, caller: Pick<Caller, 'userId'>): WorkspaceRole | undefined {
  return workspace.members.find((member) => member.userId === caller.userId)?.role;
}

/**
 * Whether a member sees the workspace: everyone while it stands; its owners alone once it was deleted, where they look for it to
 * bring it back.
 */
export function canSee({ deletedMs }: WorkspaceRecord, role: WorkspaceRole, seeks: 'standing' | 'any'): boolean {
  return deletedMs === null || (seeks === 'any' && role === 'owner');
}

/** Whether a workspace stands and this user may read it, where no token speaks for them: they are connected since it did. */
export function mayRead(workspace: WorkspaceRecord | undefined, userId: UserId): boolean {
  const role = workspace === undefined ? undefined : roleOf(workspace, { userId });
  return role !== undefined && workspace?.deletedMs === null && rolesOf.read.includes(role);
}

/**
 * The workspace, for a member whose token and role allow this. One that was deleted is not there; `seeks` `any` finds it for its
 * owners.
 * @throws TidemarkError `forbidden` by scope or role; `not-found` for anyone who is not a member.
 */
export async function authorise(
  deps: Needs<'metadata'>,
  caller: Caller,
  workspaceId: WorkspaceId,
  access: Access,
  seeks: 'standing' | 'any' = 'standing',
): Promise<Authorised> {
  requireScope(caller, access);
  const workspace = await deps.metadata.workspaces.get(workspaceId);
  const role = workspace === undefined ? undefined : roleOf(workspace, caller);
  if (workspace === undefined || role === undefined || !canSee(workspace, role, seeks)) throw noSuchWorkspace();
  if (!rolesOf[access].includes(role)) {
    throw new TidemarkError('forbidden', `the role ${role} does not allow this`, { data: { role } });
  }
  return { workspace, role };
}

/**
 * Throws `not-found`, as for a route that is not there, unless the caller is one of the operators of the service. The scope
 * `sync.admin` is the route's affair, and no role in any workspace is asked for.
 */
export function requireOperator(
  { operators }: { readonly operators: ReadonlySet<UserId> },
  caller: Caller | undefined,
): void {
  if (caller === undefined || !operators.has(caller.userId)) {
    throw new TidemarkError('not-found', 'there is no such route');
  }
}

/** The same for one that is not there, one of others, and one that was deleted. */
export function noSuchWorkspace(): TidemarkError {
  return new TidemarkError('not-found', 'there is no such workspace');
}

/**
 * The device, if it is the caller's own and has its access still.
 * @throws TidemarkError `not-found` when it is not the caller's, whether it exists or not; `revoked`.
 */
export async function authoriseDevice(
  deps: Needs<'metadata'>,
  caller: Caller,
  deviceId: DeviceId,
): Promise<DeviceRecord> {
  const device = await deps.metadata.devices.get(deviceId);
  if (device?.userId !== caller.userId) throw noSuchDevice();
  refuseRevoked(device);
  return device;
}

export function noSuchDevice(): TidemarkError {
  return new TidemarkError('not-found', 'there is no such device of yours');
}

/** Throws `revoked` when its owner took the device's access away. */
export function refuseRevoked({ deviceId, revokedMs }: DeviceRecord): void {
  if (revokedMs === null) return;
  throw new TidemarkError('revoked', 'this device was revoked: its files stay where they are, and it syncs no more', {
    data: { deviceId, revokedMs },
  });
}
