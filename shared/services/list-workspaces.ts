import { limits } from '../core/limits.ts';
import type { WorkspaceView } from '../core/wire/workspace.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { canSee, requireScope, roleOf } from './authorise.ts';
import { concurrently } from './concurrently.ts';
import type { Needs } from './dependencies.ts';
import { workspaceToView } from './workspace-view.ts';

/** Heads read at once. */
const headsAtOnce = 16;

/**
 * The caller's workspaces, by creation time, the first `workspacesListedMax`; with `deleted`, those too that the caller owns and that
 * were deleted and are not purged yet.
 */
export async function listWorkspaces(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller; readonly deleted: boolean },
): Promise<readonly WorkspaceView[]> {
  requireScope(input.caller, 'read');
  const workspaces = await deps.metadata.workspaces.listOfMember(input.caller.userId);
  const seeks = input.deleted ? 'any' : 'standing';
  const seen = workspaces.flatMap((workspace) => {
    const role = roleOf(workspace, input.caller);
    return role !== undefined && canSee(workspace, role, seeks) ? [{ workspace, role }] : [];
  });
  return concurrently(seen.slice(0, limits.workspacesListedMax), headsAtOnce, ({ workspace, role }) =>
    workspaceToView(deps, workspace, role),
  );
}
