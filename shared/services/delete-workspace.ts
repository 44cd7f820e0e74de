import type { WorkspaceId } from '../core/ids.ts';
import type { WorkspaceView } from '../core/wire/workspace.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import { type ExpectedVersion, changeWorkspace } from './change-workspace.ts';
import type { Needs } from './dependencies.ts';
import { serverTimeMs } from './server-time.ts';
import { workspaceToView } from './workspace-view.ts';

/**
 * Deletes a workspace; its owners may. It is there for nobody then, but an owner can bring it back (patch-workspace.ts) for
 * `deletedWorkspaceSeconds`; after that it is purged. A repeat changes nothing: the time of the first stays.
 * @throws TidemarkError `not-found`, `forbidden`, `precondition-failed`.
 */
export async function deleteWorkspace(
  deps: Needs<'metadata' | 'clock' | 'log' | 'announcer'>,
  input: { readonly caller: Caller; readonly workspaceId: WorkspaceId; readonly expected: ExpectedVersion },
): Promise<WorkspaceView> {
  const { caller, workspaceId, expected } = input;
  const { workspace, role } = await changeWorkspace(deps, {
    expected,
    find: () => authorise(deps, caller, workspaceId, 'admin', 'any'),
    change: (found) => (found.workspace.deletedMs === null ? { deletedMs: serverTimeMs(deps.clock) } : null),
  });
  deps.log.info({ workspaceId, deletedMs: workspace.deletedMs }, 'a workspace was deleted');
  await deps.announcer.expelAll(workspaceId);
  return workspaceToView(deps, workspace, role);
}
