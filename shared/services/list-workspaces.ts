import type { WorkspaceView } from '../core/wire/workspace.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { requireScope, roleOf } from './authorise.ts';
import { concurrently } from './concurrently.ts';
import type { Needs } from './dependencies.ts';
import { workspaceToView } from './workspace-view.ts';

/** Heads read at once. */
const headsAtOnce = 16;

/** The caller's workspaces, by creation time. */
export async function listWorkspaces(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller },
): Promise<readonly WorkspaceView[]> {
  requireScope(input.caller, 'read');
  const workspaces = await deps.metadata.workspaces.listOfMember(input.caller.userId);
  const views = await concurrently(workspaces, headsAtOnce, async (workspace) => {
    const role = roleOf(workspace, input.caller);
    return role === undefined ? undefined : workspaceToView(deps, workspace, role);
  });
  return views.filter((view) => view !== undefined);
}
