import type { WorkspaceId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { PresenceList, PresentDevice } from '../../core/wire/presence.ts';
import type { Caller } from '../../ports/token-verifier.ts';
import { authorise } from '../authorise.ts';
import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import { seatWidth } from './granted-seats.ts';
import { shownState } from './presence-word.ts';

/**
 * The devices of a workspace, for its members: those that are there first, then by when they were last heard of. Records may be old: who
 * is no member now, and a device that was revoked, is not among them, whatever was stored.
 * @throws TidemarkError `not-found`, `forbidden` (authorise.ts).
 */
export async function listPresence(
  deps: Needs<'metadata' | 'clock'>,
  input: { readonly caller: Caller; readonly workspaceId: WorkspaceId },
): Promise<PresenceList> {
  const { caller, workspaceId } = input;
  const { workspace } = await authorise(deps, caller, workspaceId, 'read');
  const nowMs = serverTimeMs(deps.clock);
  const members = new Set(workspace.members.map(({ userId }) => userId));
  const heard = await deps.metadata.presence.list(workspaceId, nowMs, limits.presenceListedMax);
  const ofMembers = heard.filter(({ userId }) => members.has(userId));
  const shown = await concurrently(ofMembers, seatWidth, async (record) => {
    const device = await deps.metadata.devices.get(record.deviceId);
    if (device?.userId !== record.userId || device.revokedMs !== null) return [];
    const { userId, deviceId, name, seenMs } = record;
    return [{ userId, deviceId, name, ...shownState(record, nowMs), seenMs }];
  });
  return { devices: shown.flat().sort(byPresence) };
}

function byPresence(a: PresentDevice, b: PresentDevice): number {
  const away = Number(a.state === 'offline') - Number(b.state === 'offline');
  return away || b.seenMs - a.seenMs || (a.deviceId < b.deviceId ? -1 : 1);
}
