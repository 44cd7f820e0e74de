/**
 * Changing a workspace's record by compare-and-set: whoever may, and whatever the record is, are looked at again for each attempt,
 * so no change is made on an old view of members or settings.
 */
import { TidemarkError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';

/** The version that the caller has read; `*`: whatever it is; null: none was asked for. */
export type ExpectedVersion = number | '*' | null;

export type WorkspaceChange = Partial<
  Pick<WorkspaceRecord, 'name' | 'mode' | 'policy' | 'members' | 'deletedMs' | 'quota'>
>;

export interface WorkspaceChanger<Found extends { readonly workspace: WorkspaceRecord }> {
  readonly expected: ExpectedVersion;
  /** The workspace as it is now, if the caller may change it; called for each attempt. */
  find(this: void): Promise<Found>;
  /** What shall be otherwise; null when all is as it shall be already. May throw to refuse. */
  change(this: void, found: Found): WorkspaceChange | null;
}

/**
 * The workspace as it was found, with its record as it is after the change. A request that is repeated because its answer was lost
 * finds its own work done: that is no failed precondition (RFC 9110, 13.1.1). A lost race is done again, which ends in
 * `precondition-failed` where a version was asked for.
 * @throws TidemarkError what `find` and `change` throw; `precondition-failed`; `busy` after `workspaceAttemptsMax` lost races.
 */
export async function changeWorkspace<Found extends { readonly workspace: WorkspaceRecord }>(
  deps: Needs<'metadata'>,
  { expected, find, change }: WorkspaceChanger<Found>,
): Promise<Found> {
  for (let attempt = 1; attempt <= limits.workspaceAttemptsMax; attempt++) {
    const found = await find();
    const changed = change(found);
    if (changed === null) return found;
    const { version } = found.workspace;
    if (typeof expected === 'number' && expected !== version) {
      throw new TidemarkError('precondition-failed', 'the workspace has changed since it was read: read it again', {
        data: { version },
      });
    }
    const workspace = { ...found.workspace, ...changed, version: version + 1 };
    if ((await deps.metadata.workspaces.replace(workspace)) === 'replaced') return { ...found, workspace };
  }
  throw new TidemarkError('busy', 'many change this workspace at once: try again');
}
