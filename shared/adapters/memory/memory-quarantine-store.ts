import type { Digest, WorkspaceId } from '../../core/ids.ts';
import type { QuarantineRecord, QuarantineStore } from '../../ports/quarantine-store.ts';
import { WorkspaceRows } from './workspace-rows.ts';

/** What lies in quarantine, by workspace and blob name. */
export class MemoryQuarantineStore implements QuarantineStore {
  readonly #records = new WorkspaceRows<string, QuarantineRecord>();

  async record(record: QuarantineRecord): Promise<void> {
    const { workspaceId, blobName } = record;
    if (!this.#records.has(workspaceId, blobName)) this.#records.set(workspaceId, blobName, { ...record });
  }

  async get(workspaceId: WorkspaceId, blobName: string): Promise<QuarantineRecord | undefined> {
    const record = this.#records.get(workspaceId, blobName);
    return record && { ...record };
  }

  async list(workspaceId: WorkspaceId, after: string | null, limit: number): Promise<readonly QuarantineRecord[]> {
    return [...this.#records.entries(workspaceId)]
      .map(([, record]) => record)
      .filter(({ blobName }) => after === null || blobName > after)
      .sort((a, b) => (a.blobName < b.blobName ? -1 : 1))
      .slice(0, limit)
      .map((record) => ({ ...record }));
  }

  async foundMs(workspaceId: WorkspaceId, packs: readonly Digest[]): Promise<readonly (number | undefined)[]> {
    const found = new Map<Digest, number>();
    for (const [, { packId, foundMs }] of this.#records.entries(workspaceId)) {
      found.set(packId, Math.max(foundMs, found.get(packId) ?? foundMs));
    }
    return packs.map((packId) => found.get(packId));
  }

  async remove(workspaceId: WorkspaceId, blobName: string): Promise<'removed' | 'missing'> {
    return this.#records.delete(workspaceId, blobName) ? 'removed' : 'missing';
  }

  /** Forgets at most `limit` records; returns how many. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    return this.#records.purge(workspaceId, limit);
  }
}
