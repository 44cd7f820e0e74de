import type { WorkspaceId } from '../../core/ids.ts';
import type { WorkspaceRecord } from '../../ports/metadata-store.ts';
import { noSuchWorkspace } from '../authorise.ts';
import type { Needs } from '../dependencies.ts';

/** A workspace for an operator: whoever is in it, deleted or not. Throws `not-found` when there is none. */
export async function mustGetWorkspace(deps: Needs<'metadata'>, workspaceId: WorkspaceId): Promise<WorkspaceRecord> {
  const workspace = await deps.metadata.workspaces.get(workspaceId);
  if (workspace === undefined) throw noSuchWorkspace();
  return workspace;
}
