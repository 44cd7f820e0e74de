/**
 * Purging: what is left of workspaces that were deleted longer than `deletedWorkspaceSeconds` ago goes, for good. For each of them
 *
 *   1  its record is replaced by one without members: nobody finds it any more. A change that brings it back in this moment either
 *      came first, and then the replacement fails and the workspace stands; or it finds that it comes too late
 *   2  its blobs, by their prefix, container by container
 *   3  its rows of metadata, its record the last
 *
 * A crash between any two steps leaves a record that says what is to be done, so the next run does the rest; what is gone already is
 * passed over. Every step names the one workspace whose record it has read; no other is touched. Each looks first whether the id
 * has members again: then another run has purged it to its end, and its owner has made it anew. One run does a bounded amount,
 * so that a timer's run ends; the next goes on.
 */
import type { WorkspaceId } from '../core/ids.ts';
import type { Container } from '../ports/blob-store.ts';
import type { WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { isPastReturn } from './patch-workspace.ts';
import { serverTimeMs } from './server-time.ts';

/** Where names begin with the workspace's id. What is staged belongs to sessions, and goes with them long before. */
const containersOfWorkspaces: readonly Container[] = ['chunks', 'manifests', 'quarantine'];

/** Bounds of one run, so that it takes minutes at most. */
export interface PurgeBounds {
  /** Records looked at in one call of the store. */
  readonly page: number;
  /** Blobs deleted in one call. */
  readonly blobBatch: number;
  /** Rows of metadata in one step. */
  readonly rows: number;
  /** Calls that delete something, over all workspaces. */
  readonly steps: number;
}

const defaultBounds: PurgeBounds = { page: 500, blobBatch: 1_000, rows: 2_000, steps: 500 };

export interface Purged {
  /** Workspaces of which nothing is left. */
  readonly workspaces: number;
  readonly blobs: number;
  /** Whether the bound of the run ended it before all was done. */
  readonly more: boolean;
}

type PurgeNeeds = Needs<'metadata' | 'blobs' | 'clock' | 'log'>;

interface Run {
  readonly deps: PurgeNeeds;
  readonly bounds: PurgeBounds;
  steps: number;
  workspaces: number;
  blobs: number;
}

/**
 * Repeating it, or two at once, is harmless. What fails for one workspace keeps no other from being purged.
 * @throws TidemarkError what a store threw first, after the others were tried.
 */
export async function purgeWorkspaces(deps: PurgeNeeds, bounds: PurgeBounds = defaultBounds): Promise<Purged> {
  const run: Run = { deps, bounds, steps: bounds.steps, workspaces: 0, blobs: 0 };
  const nowMs = serverTimeMs(deps.clock);
  const failures: unknown[] = [];
  let after: WorkspaceId | null = null;
  for (;;) {
    const page: readonly WorkspaceRecord[] = await deps.metadata.workspaces.listAll(after, bounds.page);
    for (const workspace of page) {
      if (!isPastReturn(workspace, nowMs)) continue;
      await purge(run, workspace).catch((error: unknown) => failures.push(error));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < bounds.page || run.steps <= 0) break;
    after = last.workspaceId;
  }
  const { workspaces, blobs, steps } = run;
  if (workspaces + blobs > 0) deps.log.info({ workspaces, blobs }, 'purged workspaces that were deleted');
  if (failures.length > 0) throw failures[0];
  return { workspaces, blobs, more: steps <= 0 };
}

async function purge(run: Run, workspace: WorkspaceRecord): Promise<void> {
  const { deps, bounds } = run;
  const { workspaceId, members, version } = workspace;
  if (run.steps <= 0) return;
  if (members.length > 0) {
    const fenced = { ...workspace, members: [], version: version + 1 };
    if ((await deps.metadata.workspaces.replace(fenced)) === 'changed') return;
  }
  for (const container of containersOfWorkspaces) {
    if (!(await purgeBlobs(run, container, workspaceId))) return;
  }
  for (; run.steps > 0 && !(await isAnybodys(run, workspaceId)); run.steps--) {
    if ((await deps.metadata.purgeWorkspace(workspaceId, bounds.rows)) === 'more') continue;
    run.workspaces++;
    return;
  }
}

/** Without its record it is nobody's: what else is left of it goes. */
async function isAnybodys({ deps }: Run, workspaceId: WorkspaceId): Promise<boolean> {
  const members = (await deps.metadata.workspaces.get(workspaceId))?.members ?? [];
  return members.length > 0;
}

/** Whether none is left. All ids have one length and a slash ends it, so no other workspace's names begin so. */
async function purgeBlobs(run: Run, container: Container, id: WorkspaceId): Promise<boolean> {
  const { deps, bounds } = run;
  for (; run.steps > 0 && !(await isAnybodys(run, id)); run.steps--) {
    const names: string[] = [];
    for await (const name of deps.blobs.list(container, `${id}/`)) {
      if (names.push(name) >= bounds.blobBatch) break;
    }
    if (names.length === 0) return true;
    await deps.blobs.deleteMany(container, names);
    run.blobs += names.length;
  }
  return false;
}
