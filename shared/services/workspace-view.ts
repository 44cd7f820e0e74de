import type { WorkspaceRole, WorkspaceView } from '../core/wire/workspace.ts';
import type { WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { mustGetHead } from './must-get-head.ts';

/** What a member sees of a workspace, with its head as it is now. Its tally is null until a commit has counted an old tree. */
export async function workspaceToView(
  deps: Needs<'metadata'>,
  workspace: WorkspaceRecord,
  role: WorkspaceRole,
): Promise<WorkspaceView> {
  const { members: _members, quota, ...told } = workspace;
  const { seq, root, tally } = await mustGetHead(deps, workspace.workspaceId);
  return { ...told, role, seq, root, files: tally?.files ?? null, bytes: tally?.bytes ?? null, ...quota };
}
