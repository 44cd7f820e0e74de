/** When devices were last heard of, for people. Nothing else depends on it: a lost or late write shows a device as it was before. */
import type { DeviceId, UserId, WorkspaceId } from '../core/ids.ts';
import type { PresenceState } from '../core/wire/presence.ts';

export interface PresenceRecord {
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  /** The device's. */
  readonly name: string;
  /** As it was when it was written: past `presenceLiveSeconds` after `seenMs` the device is offline whatever this says. */
  readonly state: PresenceState;
  /** Over which it was heard last. */
  readonly connectionId: string;
  /** When that connection was opened: what an older one says of the device comes too late. */
  readonly openedMs: number;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  readonly seenMs: number;
  readonly expiresMs: number;
}

/** One record for each device in each workspace. */
export interface PresenceStore {
  /** Adds it, or replaces that of the same device in the same workspace. The last write wins. */
  put(record: PresenceRecord): Promise<void>;
  /** Undefined when there is none, or it has expired at `nowMs`. */
  get(workspaceId: WorkspaceId, deviceId: DeviceId, nowMs: number): Promise<PresenceRecord | undefined>;
  /** Those of a workspace that have not expired, the newest `seenMs` first, at most `limit`. */
  list(workspaceId: WorkspaceId, nowMs: number, limit: number): Promise<readonly PresenceRecord[]>;
  /** Forgets those that expired before `nowMs`; returns how many, 0 where the store does it by itself. */
  sweep(nowMs: number): Promise<number>;
}
