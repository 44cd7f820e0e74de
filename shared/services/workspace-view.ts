import { TidemarkError } from '../core/errors.ts';
import type { WorkspaceRole, WorkspaceView } from '../core/wire/workspace.ts';
import type { WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';

/** What a member sees of a workspace, with its head as it is now. */
export async function workspaceToView(
  deps: Needs<'metadata'>,
  workspace: WorkspaceRecord,
  role: WorkspaceRole,
): Promise<WorkspaceView> {
  const { workspaceId, name, mode, policy, region, createdMs } = workspace;
  const head = await deps.metadata.journal.getHead(workspaceId);
  if (head === undefined) throw new TidemarkError('internal', 'a workspace has no head', { data: { workspaceId } });
  return { workspaceId, name, mode, policy, region, role, createdMs, seq: head.seq, root: head.root };
}
