import { bytesToWorkspaceId, type WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { projectVersions } from './project-versions.ts';

/** Commits that one run projects over all workspaces: some minutes of reading. */
const commitsMaxOfRun = 10 * limits.versionsProjectedMax;
const workspacesAtOnce = 200;

/**
 * Keeps the versions of all workspaces near their heads, so that whoever asks for them need not wait: at most
 * `versionsProjectedMax` commits of each. It begins at a workspace by chance, so that a run that comes to its bound leaves out
 * others than the one before. Whatever is left or fails is made up for by the next run, or by whoever asks.
 */
export async function projectAllVersions(
  deps: Needs<'metadata' | 'blobs' | 'randomness' | 'log'>,
): Promise<{ readonly commits: number; readonly failed: number }> {
  const start = bytesToWorkspaceId(deps.randomness.bytes(16));
  let commits = 0;
  let failed = 0;
  for await (const { workspaceId } of workspacesFrom(deps, start)) {
    if (commits >= commitsMaxOfRun) break;
    try {
      const head = await deps.metadata.journal.getHead(workspaceId);
      if (head !== undefined) commits += await projectOne(deps, workspaceId, head.seq);
    } catch (error) {
      failed++;
      const why = error instanceof Error ? error.message : String(error);
      deps.log.warn({ workspaceId, why }, 'the versions of a workspace could not be projected');
    }
  }
  if (commits > 0) deps.log.info({ commits, failed }, 'projected versions');
  return { commits, failed };
}

async function projectOne(
  deps: Needs<'metadata' | 'blobs'>,
  workspaceId: WorkspaceId,
  headSeq: number,
): Promise<number> {
  return (await projectVersions(deps, workspaceId, headSeq, limits.versionsProjectedMax)).commits;
}

/** Those that stand, by id: from after `start` to the end, then from the first up to `start`. */
async function* workspacesFrom(deps: Needs<'metadata'>, start: WorkspaceId): AsyncGenerator<WorkspaceRecord> {
  for (const [from, to] of [[start, null] as const, [null, start] as const]) {
    let after: WorkspaceId | null = from;
    for (;;) {
      const page: readonly WorkspaceRecord[] = await deps.metadata.workspaces.listAll(after, workspacesAtOnce);
      for (const workspace of page) {
        if (to !== null && workspace.workspaceId > to) return;
        if (workspace.deletedMs === null) yield workspace;
      }
      if (page.length < workspacesAtOnce) break;
      after = page.at(-1)!.workspaceId;
    }
  }
}
