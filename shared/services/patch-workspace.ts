import { TidemarkError } from '../core/errors.ts';
import type { WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { PatchWorkspaceRequest, WorkspaceView } from '../core/wire/workspace.ts';
import type { WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise, noSuchWorkspace } from './authorise.ts';
import { type ExpectedVersion, type WorkspaceChange, changeWorkspace } from './change-workspace.ts';
import type { Needs } from './dependencies.ts';
import { checkDisplayName } from './display-name.ts';
import { serverTimeMs } from './server-time.ts';
import { workspaceToView } from './workspace-view.ts';

/**
 * Changes what a workspace is called and how it takes conflicts, or brings it back after it was deleted; its owners may. A commit
 * that has begun ends by the mode and policy that it began with.
 * @throws TidemarkError `malformed` on a name that is none and on `deleted: true` (DELETE does that); `not-found` for one that was
 * deleted, unless it is brought back by this and in time; `forbidden`, `precondition-failed`.
 */
export async function patchWorkspace(
  deps: Needs<'metadata' | 'clock' | 'log'>,
  input: {
    readonly caller: Caller;
    readonly workspaceId: WorkspaceId;
    readonly request: PatchWorkspaceRequest;
    readonly expected: ExpectedVersion;
  },
): Promise<WorkspaceView> {
  const { caller, workspaceId, request, expected } = input;
  if (request.deleted === true) {
    throw new TidemarkError('malformed', 'a workspace is deleted by DELETE', { data: { field: 'deleted' } });
  }
  if (request.name !== null) checkDisplayName(request.name, 'name');
  const seeks = request.deleted === false ? 'any' : 'standing';
  const { workspace, role } = await changeWorkspace(deps, {
    expected,
    find: () => authorise(deps, caller, workspaceId, 'admin', seeks),
    change: (found) => changeOf(found.workspace, request, serverTimeMs(deps.clock)),
  });
  deps.log.info({ workspaceId, version: workspace.version }, 'a workspace was changed');
  return workspaceToView(deps, workspace, role);
}

/** Null when the workspace is so already. */
function changeOf(workspace: WorkspaceRecord, request: PatchWorkspaceRequest, nowMs: number): WorkspaceChange | null {
  if (isPastReturn(workspace, nowMs)) throw noSuchWorkspace();
  const { name, mode, policy } = workspace;
  const change = {
    name: request.name ?? name,
    mode: request.mode ?? mode,
    policy: request.policy ?? policy,
    deletedMs: null,
  };
  const isSame =
    change.name === name && change.mode === mode && change.policy === policy && workspace.deletedMs === null;
  return isSame ? null : change;
}

/** Whether a workspace was deleted so long ago that it cannot be brought back: from then on it is purged. */
export function isPastReturn({ deletedMs }: WorkspaceRecord, nowMs: number): boolean {
  return deletedMs !== null && nowMs - deletedMs > limits.deletedWorkspaceSeconds * 1_000;
}
