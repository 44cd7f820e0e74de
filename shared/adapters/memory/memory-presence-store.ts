import type { DeviceId, WorkspaceId } from '../../core/ids.ts';
import type { PresenceRecord, PresenceStore } from '../../ports/presence-store.ts';
import { WorkspaceRows } from './workspace-rows.ts';

/** When devices were last heard of, by workspace and device. */
export class MemoryPresenceStore implements PresenceStore {
  readonly #records = new WorkspaceRows<DeviceId, PresenceRecord>();

  async put(record: PresenceRecord): Promise<void> {
    this.#records.set(record.workspaceId, record.deviceId, { ...record });
  }

  async get(workspaceId: WorkspaceId, deviceId: DeviceId, nowMs: number): Promise<PresenceRecord | undefined> {
    const record = this.#records.get(workspaceId, deviceId);
    return record !== undefined && record.expiresMs > nowMs ? { ...record } : undefined;
  }

  async list(workspaceId: WorkspaceId, nowMs: number, limit: number): Promise<readonly PresenceRecord[]> {
    return [...this.#records.entries(workspaceId)]
      .map(([, record]) => record)
      .filter(({ expiresMs }) => expiresMs > nowMs)
      .sort((a, b) => b.seenMs - a.seenMs)
      .slice(0, limit)
      .map((record) => ({ ...record }));
  }

  async sweep(nowMs: number): Promise<number> {
    return this.#records.sweep(({ expiresMs }) => expiresMs < nowMs);
  }

  /** Forgets at most `limit` records; returns how many. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    return this.#records.purge(workspaceId, limit);
  }
}
