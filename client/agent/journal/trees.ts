/**
 * The three trees, keyed by node id. `synced` is kept whole; `local` and `remote` are kept as rows that differ from it, and
 * read as views: the row if there is one, else what `synced` says.
 *
 *     synced  a: /x v1        local  a is gone      remote  (no row)
 *     views:  synced a = /x v1, local a = nothing, remote a = /x v1
 *
 * One invariant carries everything else: a row of `local` or `remote` is there exactly if its view differs from `synced`. So
 * each write goes through a view: changing `synced` under a node keeps both its views as they were (`rebase`), and rows come
 * and go by themselves. At rest no row says that anything differs.
 *
 * A node may be *unselected*: this device chose not to have it (select/selection.ts). Its row in `local` says so. It is not on
 * this disk, and that is no difference: its absence is never told to anybody, and its `synced` row follows the workspace, so
 * that the mark of `synced` is the workspace's all the same. Only `settle` (it was fetched after all) and its end in the
 * workspace take that row away.
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import { samePlace } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';
import { sameMark } from '../folder/stat-mark.ts';
import { holdsEntry } from '../plan/decide.ts';
import { identical } from '../plan/same-entry.ts';
import type { Database } from './database.ts';
import { type SyncedNode, noStat, rowToLocal, rowToSynced, syncedToLocal } from './rows.ts';
import { TreeRows } from './tree-rows.ts';

/** The three trees, wherever they are kept, where everything is selected. */
export type TreesView = Pick<Trees, Exclude<keyof Trees, 'isUnselected' | 'unselect'>>;

export class Trees {
  readonly #db: Database;
  readonly #rows: TreeRows;

  constructor(db: Database) {
    this.#db = db;
    this.#rows = new TreeRows(db);
  }

  /** Runs `work` with the rows of these nodes read at once and kept in memory; see TreeRows. */
  batch<T>(nodeIds: readonly NodeId[], work: () => T): T {
    return this.#rows.batch(nodeIds, work);
  }

  getSynced(nodeId: NodeId): SyncedNode | undefined {
    return this.#rows.getSynced(nodeId);
  }

  /** The node as it is on this disk. */
  getLocal(nodeId: NodeId): LocalNode | undefined {
    const local = this.#rows.getLocal(nodeId);
    if (local === 'unselected') return undefined;
    if (local !== undefined) return local ?? undefined;
    const synced = this.getSynced(nodeId);
    return synced === undefined ? undefined : syncedToLocal(synced);
  }

  /** The node as the workspace's newest known state has it. */
  getRemote(nodeId: NodeId): PlacedEntry | undefined {
    const remote = this.#rows.getRemote(nodeId);
    return remote === undefined ? this.getSynced(nodeId) : (remote ?? undefined);
  }

  /** Whether the disk differs from `synced` at this node. */
  isLocalChange(nodeId: NodeId): boolean {
    const local = this.#rows.getLocal(nodeId);
    return local !== undefined && local !== 'unselected';
  }

  /** Whether the node is not on this disk because this device chose so. */
  isUnselected(nodeId: NodeId): boolean {
    return this.#rows.getLocal(nodeId) === 'unselected';
  }

  /**
   * The node is not on this disk, and is not to be: from now on its merge base is what the workspace holds, whatever that is.
   * To be called when nothing of it is on the disk.
   */
  unselect(nodeId: NodeId): void {
    const remote = this.getRemote(nodeId);
    this.#writeSynced(nodeId, remote === undefined ? undefined : { ...remote, stat: noStat });
    this.#rows.setLocal(nodeId, remote === undefined ? undefined : 'unselected');
    this.#rows.setRemote(nodeId, undefined);
  }

  isRemoteChange(nodeId: NodeId): boolean {
    return this.#rows.getRemote(nodeId) !== undefined;
  }

  /** The disk holds this now; undefined for nothing, which is nothing new of a node that is unselected. */
  setLocal(nodeId: NodeId, node: LocalNode | undefined): void {
    if (node === undefined && this.isUnselected(nodeId)) return;
    this.#writeLocal(nodeId, node, this.getSynced(nodeId));
  }

  /** The workspace holds this now; undefined for nothing. */
  setRemote(nodeId: NodeId, placed: PlacedEntry | undefined): void {
    this.#writeRemote(nodeId, placed, this.getSynced(nodeId));
  }

  /** Changes the merge base under a node, and nothing of what its disk and the workspace hold. */
  rebase(nodeId: NodeId, next: SyncedNode | undefined): void {
    const isUnselected = this.isUnselected(nodeId);
    const local = this.getLocal(nodeId);
    const remote = this.getRemote(nodeId);
    this.#writeSynced(nodeId, next);
    if (!isUnselected) this.#writeLocal(nodeId, local, next);
    else if (next === undefined) this.#rows.setLocal(nodeId, undefined);
    this.#writeRemote(nodeId, remote, next);
  }

  /** The disk was made to hold this, and it is the merge base from now on. What the workspace holds stays as it is. */
  settle(nodeId: NodeId, next: SyncedNode | undefined): void {
    const remote = this.getRemote(nodeId);
    this.#writeSynced(nodeId, next);
    this.#rows.setLocal(nodeId, undefined);
    this.#writeRemote(nodeId, remote, next);
  }

  /**
   * What was found on this disk as node `from` is node `to`: after the server named it so, or because the same thing stands
   * in the same place there. Its children on this disk follow, and so does where they were agreed to be: nobody moved them. `to` must
   * not be on this disk.
   */
  renameLocal(from: NodeId, to: NodeId): void {
    const node = this.getLocal(from);
    if (node === undefined) return;
    this.setLocal(to, { ...node, nodeId: to });
    this.setLocal(from, undefined);
    if (node.kind !== 'folder') return;
    for (const child of this.#localChildRows(from)) {
      const synced = this.getSynced(child.nodeId);
      if (synced?.parentId === from) this.rebase(child.nodeId, { ...synced, parentId: to });
      this.setLocal(child.nodeId, { ...child, parentId: to });
    }
  }

  #localChildRows(folderId: NodeId): LocalNode[] {
    const changed = this.#db.all('SELECT * FROM local WHERE parent_id = ? AND present = 1', folderId).map(rowToLocal);
    const kept = this.#db
      .all(
        `SELECT * FROM synced WHERE parent_id = ? AND NOT EXISTS
           (SELECT 1 FROM local WHERE local.node_id = synced.node_id)`,
        folderId,
      )
      .map((row) => syncedToLocal(rowToSynced(row)));
    return [...changed, ...kept];
  }

  #writeSynced(nodeId: NodeId, next: SyncedNode | undefined): void {
    this.#rememberForMark(nodeId);
    this.#rows.setSynced(nodeId, next);
  }

  /** The row as it was at the last mark is kept once, however often it changes before the next. */
  #rememberForMark(nodeId: NodeId): void {
    this.#db.run(
      `INSERT OR IGNORE INTO marked (node_id, parent_id, name, entry)
         SELECT ?1, parent_id, name, entry FROM (SELECT 1) LEFT JOIN synced ON node_id = ?1`,
      nodeId,
    );
  }

  #writeLocal(nodeId: NodeId, node: LocalNode | undefined, synced: SyncedNode | undefined): void {
    if (node === undefined) {
      this.#rows.setLocal(nodeId, synced === undefined ? undefined : null);
    } else if (synced === undefined || !samePlace(node, synced) || !holdsEntry(node, synced.entry)) {
      this.#rows.setLocal(nodeId, node);
    } else {
      this.#rows.setLocal(nodeId, undefined);
      if (!sameMark(node.stat, synced.stat)) this.#rows.setSynced(nodeId, { ...synced, stat: node.stat });
    }
  }

  #writeRemote(nodeId: NodeId, placed: PlacedEntry | undefined, synced: SyncedNode | undefined): void {
    const same = placed === undefined ? synced === undefined : synced !== undefined && identical(placed, synced);
    this.#rows.setRemote(nodeId, same ? undefined : (placed ?? null));
  }
}
