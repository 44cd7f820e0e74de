import type { WorkspaceId } from '../../core/ids.ts';

/** Rows of every workspace under keys of their own: what a table whose key begins with the workspace is elsewhere. */
export class WorkspaceRows<Key, Row> {
  readonly #rows = new Map<WorkspaceId, Map<Key, Row>>();

  get(workspaceId: WorkspaceId, key: Key): Row | undefined {
    return this.#rows.get(workspaceId)?.get(key);
  }

  has(workspaceId: WorkspaceId, key: Key): boolean {
    return this.#rows.get(workspaceId)?.has(key) ?? false;
  }

  set(workspaceId: WorkspaceId, key: Key, row: Row): void {
    const rows = this.#rows.get(workspaceId);
    if (rows === undefined) this.#rows.set(workspaceId, new Map([[key, row]]));
    else rows.set(key, row);
  }

  delete(workspaceId: WorkspaceId, key: Key): boolean {
    return this.#rows.get(workspaceId)?.delete(key) ?? false;
  }

  count(workspaceId: WorkspaceId): number {
    return this.#rows.get(workspaceId)?.size ?? 0;
  }

  /** In the order in which their keys came first. */
  entries(workspaceId: WorkspaceId): IterableIterator<[Key, Row]> {
    return (this.#rows.get(workspaceId) ?? new Map<Key, Row>()).entries();
  }

  /** Deletes those of all workspaces that `isOver` says; returns how many. */
  sweep(isOver: (row: Row) => boolean): number {
    let deleted = 0;
    for (const rows of this.#rows.values()) {
      for (const [key, row] of rows) if (isOver(row) && rows.delete(key)) deleted += 1;
    }
    return deleted;
  }

  /** Deletes at most `limit` rows of a workspace; returns how many. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    const rows = this.#rows.get(workspaceId);
    let deleted = 0;
    for (const key of rows?.keys() ?? []) {
      if (deleted === limit) return deleted;
      rows?.delete(key);
      deleted += 1;
    }
    this.#rows.delete(workspaceId);
    return deleted;
  }
}
