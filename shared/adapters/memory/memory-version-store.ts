import type { NodeId, WorkspaceId } from '../../core/ids.ts';
import type { VersionRecord, VersionStore } from '../../ports/version-store.ts';
import { checkProjection } from '../version-projection.ts';
import { WorkspaceRows } from './workspace-rows.ts';

function copyVersion(version: VersionRecord): VersionRecord {
  const { place, entry } = version;
  return { ...version, place: place && { ...place }, entry: entry && entry.slice() };
}

/** The versions of every workspace's nodes, and how far its journal has been projected. */
export class MemoryVersionStore implements VersionStore {
  /** By `<nodeId>/<seq>`. */
  readonly #versions = new WorkspaceRows<string, VersionRecord>();
  readonly #projected = new Map<WorkspaceId, number>();

  async projectedSeq(workspaceId: WorkspaceId): Promise<number> {
    return this.#projected.get(workspaceId) ?? 0;
  }

  async project(
    workspaceId: WorkspaceId,
    fromSeq: number,
    toSeq: number,
    versions: readonly VersionRecord[],
  ): Promise<'projected' | 'changed'> {
    checkProjection(fromSeq, toSeq, versions);
    if ((this.#projected.get(workspaceId) ?? 0) !== fromSeq) return 'changed';
    for (const version of versions) {
      const key = `${version.nodeId}/${version.seq}`;
      if (!this.#versions.has(workspaceId, key)) this.#versions.set(workspaceId, key, copyVersion(version));
    }
    this.#projected.set(workspaceId, toSeq);
    return 'projected';
  }

  async list(
    workspaceId: WorkspaceId,
    nodeId: NodeId,
    beforeSeq: number,
    limit: number,
  ): Promise<readonly VersionRecord[]> {
    return [...this.#versions.entries(workspaceId)]
      .map(([, version]) => version)
      .filter((version) => version.nodeId === nodeId && version.seq < beforeSeq)
      .sort((a, b) => b.seq - a.seq)
      .slice(0, limit)
      .map(copyVersion);
  }

  /** Forgets at most `limit` versions, and the position with the last of them; returns how many rows. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    const deleted = this.#versions.purge(workspaceId, limit);
    if (deleted === limit) return deleted;
    return this.#projected.delete(workspaceId) ? deleted + 1 : deleted;
  }
}
