import type { WorkspaceId } from '../core/ids.ts';
import type { WorkspaceView } from '../core/wire/workspace.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { workspaceToView } from './workspace-view.ts';

/** One workspace of the caller's, with its head as it is now. Its owners see it after it was deleted too. */
export async function getWorkspace(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller; readonly workspaceId: WorkspaceId },
): Promise<WorkspaceView> {
  const { workspace, role } = await authorise(deps, input.caller, input.workspaceId, 'read', 'any');
  return workspaceToView(deps, workspace, role);
}
