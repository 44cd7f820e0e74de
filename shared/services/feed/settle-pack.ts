/**
 * Makes one pack right after storage said that something happened to its blob. What the feed says is only a reason to look:
 * everything is decided by what is recorded and what stands in `chunks` now, so changes may come twice, late, in any order
 * or not at all.
 *
 *     recorded   in chunks               what is done
 *     no         no                      nothing
 *     no         yes                     verified: good bytes are recorded, bad ones go to quarantine
 *     yes        the same incarnation    nothing
 *     yes        no                      lost: reported and forgotten, so that clients upload it again
 *     yes        another incarnation     replaced: reported; its bytes are verified anew, whatever the record says
 *
 * A pack that we take away ourselves is not recorded any more by the time its blob goes, because whoever deletes a pack on
 * purpose forgets it first; quarantine leaves its own record under that ETag; and a workspace whose time is over is being
 * purged. None of these is reported.
 *
 * Forgetting a pack makes chunks unknown that lie in another pack as well. So the workspace is put down for the repair of its
 * index (index-repair.ts), which records the packs that are left.
 */
import { TidemarkError } from '../../core/errors.ts';
import type { PackRecord } from '../../ports/metadata-store.ts';
import type { Needs } from '../dependencies.ts';
import { getPackRecord } from '../pack-record.ts';
import { packBlobName } from '../pack-name.ts';
import { isPastReturn } from '../patch-workspace.ts';
import { quarantineName } from '../quarantine/quarantine-name.ts';
import { serverTimeMs } from '../server-time.ts';
import { type NamedPack, type VerifyNeeds, verifyPackAnew } from '../verify-pack.ts';
import { type IncidentKind, reportIncident } from './incidents.ts';
import { withIndexRepair } from './index-repair.ts';

export type SettleNeeds = VerifyNeeds & Needs<'metrics' | 'randomness'>;

/** `removed`: it was taken away by our own order. */
export type PackState = 'absent' | 'intact' | 'verified' | 'rejected' | 'lost' | 'replaced' | 'removed';

/** Looks at a pack that changes while it is looked at; more than enough. */
const attemptsMax = 4;

/** Throws `busy` when the pack kept changing, and what the stores throw: the change is to be told again then. */
export async function settlePack(deps: SettleNeeds, pack: NamedPack): Promise<PackState> {
  const { workspaceId, packId } = pack;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const record = await getPackRecord(deps, workspaceId, packId);
    const standing = await deps.blobs.head('chunks', packBlobName(workspaceId, packId));
    if (record === undefined) {
      if (standing === undefined || (await isPurged(deps, pack))) return 'absent';
      const verification = await verifyPackAnew(deps, pack);
      if (verification === 'verified' || verification === 'rejected') return verification;
      continue;
    }
    if (standing?.etag === record.etag) return 'intact';
    // Somebody may have recorded the new incarnation between the two looks.
    if ((await getPackRecord(deps, workspaceId, packId))?.etag !== record.etag) continue;
    if (await isPurged(deps, pack)) return 'removed';
    const settled =
      standing === undefined ? await settleLost(deps, pack, record) : await settleReplaced(deps, pack, record);
    if (settled !== undefined) return settled;
  }
  throw new TidemarkError('busy', 'a pack keeps changing', { data: { packId } });
}

/** Whether the workspace is gone, or can be swept away at any time. */
async function isPurged(deps: SettleNeeds, { workspaceId }: NamedPack): Promise<boolean> {
  const workspace = await deps.metadata.workspaces.get(workspaceId);
  return workspace === undefined || isPastReturn(workspace, serverTimeMs(deps.clock));
}

async function settleLost(deps: SettleNeeds, pack: NamedPack, record: PackRecord): Promise<PackState | undefined> {
  const { workspaceId, packId } = pack;
  const quarantined = quarantineName(workspaceId, packId, record.etag);
  const ordered = (await deps.metadata.quarantine.get(workspaceId, quarantined)) !== undefined;
  if (!ordered) await report(deps, pack, record, 'lost');
  await forget(deps, pack);
  // It may have come back between the look and the forgetting.
  const verification = await verifyPackAnew(deps, pack);
  if (verification === 'changed') return undefined;
  return ordered ? 'removed' : 'lost';
}

async function settleReplaced(deps: SettleNeeds, pack: NamedPack, record: PackRecord): Promise<PackState | undefined> {
  await report(deps, pack, record, 'replaced');
  const verification = await verifyPackAnew(deps, pack);
  if (verification === 'verified') return 'replaced';
  if (verification !== 'rejected') return undefined;
  await forget(deps, pack);
  return 'replaced';
}

async function report(deps: SettleNeeds, pack: NamedPack, record: PackRecord, kind: IncidentKind): Promise<void> {
  const { etag, storedBytes } = record;
  await reportIncident(deps, { ...pack, kind, etag, storedBytes });
}

async function forget(deps: SettleNeeds, { workspaceId, packId }: NamedPack): Promise<void> {
  await withIndexRepair(deps, workspaceId, () => deps.metadata.chunks.forgetPack(workspaceId, packId));
}
