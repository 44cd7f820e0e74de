import type { WorkspaceId } from '../../core/ids.ts';
import type { Quota } from '../../ports/metadata-store.ts';
import { changeWorkspace } from '../change-workspace.ts';
import type { Needs } from '../dependencies.ts';
import { mustGetWorkspace } from './must-get-workspace.ts';
import { type WorkspaceUsage, getUsage } from './usage.ts';

/**
 * Says what a workspace may hold from now on. Nothing is taken away from one that holds more: it can only not grow.
 * @throws TidemarkError `not-found`; `busy` when others keep changing the workspace.
 */
export async function setQuota(
  deps: Needs<'metadata'>,
  input: { readonly workspaceId: WorkspaceId; readonly quota: Quota },
): Promise<WorkspaceUsage> {
  const { workspaceId, quota } = input;
  await changeWorkspace(deps, {
    expected: '*',
    find: async () => ({ workspace: await mustGetWorkspace(deps, workspaceId) }),
    change: ({ workspace }) => {
      const isSame = workspace.quota.filesMax === quota.filesMax && workspace.quota.bytesMax === quota.bytesMax;
      return isSame ? null : { quota };
    },
  });
  return getUsage(deps, workspaceId);
}
