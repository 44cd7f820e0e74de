import type { WorkspaceId } from '../../core/ids.ts';
import type { QuarantineRecord } from '../../ports/quarantine-store.ts';
import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';

export interface QuarantinedPack extends QuarantineRecord {
  /** False in the moment before it is moved; and when it was deleted by hand. */
  readonly isThere: boolean;
}

export interface QuarantinePage {
  readonly packs: readonly QuarantinedPack[];
  /** The blob name to go on after; null at the end. */
  readonly after: string | null;
}

const pagePacks = 100;
const headsAtOnce = 16;

/** A workspace's packs in quarantine by blob name, one page after this name. */
export async function listQuarantine(
  deps: Needs<'metadata' | 'blobs'>,
  input: { readonly workspaceId: WorkspaceId; readonly after: string | null },
): Promise<QuarantinePage> {
  const records = await deps.metadata.quarantine.list(input.workspaceId, input.after, pagePacks);
  const packs = await concurrently(records, headsAtOnce, async (record) => ({
    ...record,
    isThere: (await deps.blobs.head('quarantine', record.blobName)) !== undefined,
  }));
  return { packs, after: records.length < pagePacks ? null : (records.at(-1)?.blobName ?? null) };
}
