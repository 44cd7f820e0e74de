/** What this device has to know to settle a conflict itself. Asked for when there is one, once in a sync. */
import type { ConflictPolicy } from '../../../shared/core/wire/workspace.ts';
import type { JournalIdentity } from '../journal/meta-table.ts';
import type { EngineNeeds } from './needs.ts';

export interface ConflictRules {
  readonly policy: ConflictPolicy;
  /** For conflict names, as the server makes them. */
  readonly deviceName: string;
}

/** Throws what the server and the network throw. */
export async function fetchConflictRules(
  { api }: EngineNeeds,
  { workspaceId, deviceId }: JournalIdentity,
  signal: AbortSignal,
): Promise<ConflictRules> {
  const { policy } = await api.getWorkspace(workspaceId, signal);
  const devices = await api.listDevices(signal);
  return { policy, deviceName: devices.find((device) => device.deviceId === deviceId)?.name ?? '' };
}
