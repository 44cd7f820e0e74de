import type { WorkspaceId } from '../../core/ids.ts';
import type { WorkspaceRecord } from '../../ports/metadata-store.ts';
import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';
import { mustGetWorkspace } from './must-get-workspace.ts';

/** What one workspace takes, and what it may. */
export interface WorkspaceUsage {
  readonly workspaceId: WorkspaceId;
  readonly name: string;
  readonly members: number;
  readonly createdMs: number;
  readonly deletedMs: number | null;
  readonly seq: number;
  /** What stands in the tree; null in a head that was written before tallies were kept. */
  readonly files: number | null;
  readonly bytes: number | null;
  readonly filesMax: number | null;
  readonly bytesMax: number | null;
  readonly packs: number;
  readonly chunks: number;
  /** Of all packs, compressed, whatever of them is still in a tree. */
  readonly storedBytes: number;
  readonly quarantined: number;
}

export interface UsagePage {
  readonly workspaces: readonly WorkspaceUsage[];
  /** Pass it on to go on; null at the end. */
  readonly after: WorkspaceId | null;
}

/** Workspaces of one page, and those that are counted at once. */
const pageWorkspaces = 100;
const countedAtOnce = 8;
/** Quarantined packs are counted up to here. */
const quarantinedMax = 1_000;

/** All workspaces by id, deleted ones too, one page after this id. */
export async function listUsage(
  deps: Needs<'metadata'>,
  input: { readonly after: WorkspaceId | null },
): Promise<UsagePage> {
  const page = await deps.metadata.workspaces.listAll(input.after, pageWorkspaces);
  const workspaces = await concurrently(page, countedAtOnce, (workspace) => usageOf(deps, workspace));
  return { workspaces, after: page.length < pageWorkspaces ? null : (page.at(-1)?.workspaceId ?? null) };
}

/** One workspace, deleted or not. Throws `not-found` when there is none. */
export async function getUsage(deps: Needs<'metadata'>, workspaceId: WorkspaceId): Promise<WorkspaceUsage> {
  return usageOf(deps, await mustGetWorkspace(deps, workspaceId));
}

async function usageOf({ metadata }: Needs<'metadata'>, workspace: WorkspaceRecord): Promise<WorkspaceUsage> {
  const { workspaceId, name, members, createdMs, deletedMs, quota } = workspace;
  const head = await metadata.journal.getHead(workspaceId);
  const { packs, chunks, storedBytes } = await metadata.chunks.usage(workspaceId);
  const quarantined = await metadata.quarantine.list(workspaceId, null, quarantinedMax);
  return {
    workspaceId,
    name,
    members: members.length,
    createdMs,
    deletedMs,
    seq: head?.seq ?? 0,
    files: head?.tally?.files ?? null,
    bytes: head?.tally?.bytes ?? null,
    filesMax: quota.filesMax,
    bytesMax: quota.bytesMax,
    packs,
    chunks,
    storedBytes,
    quarantined: quarantined.length,
  };
}
