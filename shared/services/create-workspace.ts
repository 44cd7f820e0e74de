import { TidemarkError } from '../core/errors.ts';
import { bytesToWorkspaceId } from '../core/ids.ts';
import { emptyMapRoot } from '../core/merkle/map-node.ts';
import { emptyTally } from '../core/tree/tally.ts';
import { firstChain } from '../core/wire/journal-entry.ts';
import type { CreateWorkspaceRequest, WorkspaceView } from '../core/wire/workspace.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { canSee, requireScope, roleOf } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { derivedIdBytes } from './derived-id.ts';
import { checkDisplayName } from './display-name.ts';
import { serverTimeMs } from './server-time.ts';
import { workspaceToView } from './workspace-view.ts';

/**
 * Makes a workspace that the caller owns. The same caller and token give the same workspace as it is now, whatever else the
 * repeated request says, also after it was deleted. An empty region means this stack's.
 */
export async function createWorkspace(
  deps: Needs<'metadata' | 'clock' | 'region' | 'defaultQuota'>,
  input: { readonly caller: Caller; readonly request: CreateWorkspaceRequest },
): Promise<WorkspaceView> {
  const { caller, request } = input;
  requireScope(caller, 'write');
  const workspaceId = bytesToWorkspaceId(derivedIdBytes('workspace', caller.userId, request.token));
  const workspace = await deps.metadata.workspaces.create(
    {
      workspaceId,
      name: checkDisplayName(request.name, 'name'),
      mode: request.mode,
      policy: request.policy,
      region: request.region === '' ? deps.region : request.region,
      createdMs: serverTimeMs(deps.clock),
      members: [{ userId: caller.userId, role: 'owner' }],
      version: 1,
      deletedMs: null,
      quota: deps.defaultQuota,
      sha256: request.sha256 ?? false,
    },
    { seq: 0, root: emptyMapRoot, chain: firstChain(workspaceId), timeMs: 0, tally: emptyTally },
  );
  const role = roleOf(workspace, caller);
  if (role === undefined || !canSee(workspace, role, 'any'))
    throw new TidemarkError('not-found', 'you are not a member of this workspace any more');
  return workspaceToView(deps, workspace, role);
}
