import type { WorkspaceId } from '../../core/ids.ts';
import type { Needs } from '../dependencies.ts';
import { type Incident, listIncidents } from '../feed/incidents.ts';

export interface IncidentPage {
  readonly incidents: readonly (Incident & { readonly blobName: string })[];
  /** The blob name to go on after; null at the end. */
  readonly after: string | null;
}

const pageIncidents = 100;

/** What the change feed noticed of a workspace's packs, by blob name, one page after this name. */
export async function listIncidentPage(
  deps: Needs<'blobs'>,
  input: { readonly workspaceId: WorkspaceId; readonly after: string | null },
): Promise<IncidentPage> {
  const incidents = await listIncidents(deps, input.workspaceId, input.after, pageIncidents);
  return { incidents, after: incidents.length < pageIncidents ? null : (incidents.at(-1)?.blobName ?? null) };
}
