import { TidemarkError } from '../core/errors.ts';
import type { WorkspaceId } from '../core/ids.ts';
import type { Head } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';

/** The head of a workspace that is there. One without a head is a fault of ours: `internal`. */
export async function mustGetHead(deps: Needs<'metadata'>, workspaceId: WorkspaceId): Promise<Head> {
  const head = await deps.metadata.journal.getHead(workspaceId);
  if (head === undefined) throw new TidemarkError('internal', 'a workspace has no head', { data: { workspaceId } });
  return head;
}
