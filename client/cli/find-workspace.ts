import { TidemarkError } from '../../shared/core/errors.ts';
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import type { ApiClient } from '../sdk/api-client.ts';

/** The caller's workspace of this name or id. Throws `not-found`, or `conflict` when several have the name. */
export async function findWorkspace(api: ApiClient, nameOrId: string, signal: AbortSignal): Promise<WorkspaceView> {
  const workspaces = await api.listWorkspaces(signal);
  const found = workspaces.filter((each) => each.name === nameOrId || each.workspaceId === nameOrId);
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    throw new TidemarkError(
      'not-found',
      `you have no workspace "${nameOrId}"; \`tide list\` shows them, \`tide create\` makes one`,
    );
  }
  const ids = found.map((each) => each.workspaceId);
  throw new TidemarkError(
    'conflict',
    `several workspaces are called "${nameOrId}"; name one by its id: ${ids.join(', ')}`,
  );
}
