/**
 * Work that is put down for later: workspaces whose chunk index has to be gone through, because a pack was forgotten whose
 * chunks may lie in others too. Kept as leases `index-repair/<workspaceId>`, so that several workers share it and a crash
 * loses none of it: the cursor is where the repair has come to, `done` at its end.
 */
import { TidemarkError } from '../../core/errors.ts';
import { bytesToHex } from '../../core/bytes.ts';
import { type WorkspaceId, parseWorkspaceId } from '../../core/ids.ts';
import { rebuildIndexStep } from '../admin/rebuild-index.ts';
import type { Lease } from '../../ports/lease-store.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import type { VerifyNeeds } from '../verify-pack.ts';

export const repairLeasePrefix = 'index-repair/';
const begin = 'begin';
const done = 'done';
const leaseSeconds = 300;
/** Packs of one step: of most only the footer is read. */
const packsAtOnce = 64;

/**
 * Does something that leaves gaps in the index of a workspace, and has the index gone through from the start afterwards. The lease
 * is held meanwhile, so that no repair passes what the work is about to change; a crash at any point leaves it put down.
 * Throws `busy`, before anything is done, while a worker is at this workspace.
 */
export async function withIndexRepair(
  deps: Needs<'metadata' | 'clock' | 'randomness'>,
  workspaceId: WorkspaceId,
  work: () => Promise<void>,
): Promise<void> {
  const now = serverTimeMs(deps.clock);
  const owner = bytesToHex(deps.randomness.bytes(16));
  const { leases } = deps.metadata;
  const lease = await leases.acquire(`${repairLeasePrefix}${workspaceId}`, owner, now, leaseSeconds);
  if (lease === undefined || (await leases.save(lease, begin, now + leaseSeconds * 1_000)) === 'lost') {
    throw new TidemarkError('busy', 'the index of the workspace is being repaired', { data: { workspaceId } });
  }
  try {
    await work();
  } finally {
    await leases.release(lease);
  }
}

/** Goes on with what was put down, until all is done or the time is over. Returns how many workspaces were finished. */
export async function repairIndexes(
  deps: VerifyNeeds,
  input: { readonly owner: string; readonly deadlineMs: number },
): Promise<number> {
  const { leases } = deps.metadata;
  let finished = 0;
  for (const { name, cursor } of await leases.list(repairLeasePrefix)) {
    if (cursor === done || cursor === null) continue;
    if (serverTimeMs(deps.clock) >= input.deadlineMs) break;
    const lease = await leases.acquire(name, input.owner, serverTimeMs(deps.clock), leaseSeconds);
    if (lease === undefined) continue;
    try {
      if (await repairIndex(deps, lease, input.deadlineMs)) finished++;
    } finally {
      await leases.release(lease);
    }
  }
  return finished;
}

/** Whether the end was reached in time. */
async function repairIndex(deps: VerifyNeeds, first: Lease, deadlineMs: number): Promise<boolean> {
  const workspaceId = parseWorkspaceId(first.name.slice(repairLeasePrefix.length));
  let lease = first;
  while (lease.cursor !== done) {
    if (serverTimeMs(deps.clock) >= deadlineMs) return false;
    const cursor = lease.cursor === begin ? null : lease.cursor;
    const step = await rebuildIndexStep(deps, { workspaceId, cursor, packs: packsAtOnce, trustRecords: true });
    const next: string = step.cursor ?? done;
    const expiresMs = serverTimeMs(deps.clock) + leaseSeconds * 1_000;
    if ((await deps.metadata.leases.save(lease, next, expiresMs)) === 'lost') return false;
    lease = { ...lease, cursor: next, expiresMs };
  }
  return true;
}
