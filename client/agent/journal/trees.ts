/**
 * The three trees, keyed by node id. `synced` is kept whole; `local` and `remote` are kept as rows that differ from it, and
 * read as views: the row if there is one, else what `synced` says.
 *
 *     synced  a: /x v1        local  a is gone      remote  (no row)
 *     views:  synced a = /x v1, local a = nothing, remote a = /x v1
 *
 * One invariant carries everything else: a row of `local` or `remote` is there exactly if its view differs from `synced`. So
 * each write goes through a view: changing `synced` under a node keeps both its views as they were (`rebase`), and rows come
 * and go by themselves. At rest both tables are empty.
 */
import { equalBytes } from '../../../shared/core/bytes.ts';
import type { NodeId } from '../../../shared/core/ids.ts';
import { encodeEntry } from '../../../shared/core/tree/entry.ts';
import { samePlace } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry, StatMark } from '../model.ts';
import type { Database } from './database.ts';
import {
  type SyncedNode,
  holdsEntry,
  localValues,
  missingValues,
  placedValues,
  rowToLocal,
  rowToPlaced,
  rowToSynced,
  syncedToLocal,
  syncedValues,
} from './rows.ts';

const insertSynced = `INSERT OR REPLACE INTO synced
  (node_id, parent_id, name, kind, entry, content, size, mtime_ms, ctime_ms, ino, dev, mode)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
export const insertLocalInto = (table: 'local' | 'found'): string => `INSERT OR REPLACE INTO ${table}
  (node_id, present, parent_id, name, kind, content, target, size, mtime_ms, ctime_ms, ino, dev, mode)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const insertLocal = insertLocalInto('local');
const insertRemote = `INSERT OR REPLACE INTO remote (node_id, parent_id, name, kind, entry, content)
  VALUES (?, ?, ?, ?, ?, ?)`;

export function sameStat(a: StatMark, b: StatMark): boolean {
  return (
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.mode === b.mode
  );
}

function samePlaced(a: PlacedEntry, b: PlacedEntry): boolean {
  return samePlace(a, b) && equalBytes(encodeEntry(a.entry), encodeEntry(b.entry));
}

export class Trees {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  getSynced(nodeId: NodeId): SyncedNode | undefined {
    const row = this.#db.get('SELECT * FROM synced WHERE node_id = ?', nodeId);
    return row === undefined ? undefined : rowToSynced(row);
  }

  /** The node as it is on this disk. */
  getLocal(nodeId: NodeId): LocalNode | undefined {
    const row = this.#db.get('SELECT * FROM local WHERE node_id = ?', nodeId);
    if (row !== undefined) return row['present'] === 1 ? rowToLocal(row) : undefined;
    const synced = this.getSynced(nodeId);
    return synced === undefined ? undefined : syncedToLocal(synced);
  }

  /** The node as the workspace's newest known state has it. */
  getRemote(nodeId: NodeId): PlacedEntry | undefined {
    const row = this.#db.get('SELECT * FROM remote WHERE node_id = ?', nodeId);
    if (row !== undefined) return row['entry'] === null ? undefined : rowToPlaced(row);
    return this.getSynced(nodeId);
  }

  /** Whether the disk differs from `synced` at this node. */
  isLocalChange(nodeId: NodeId): boolean {
    return this.#db.get('SELECT 1 FROM local WHERE node_id = ?', nodeId) !== undefined;
  }

  isRemoteChange(nodeId: NodeId): boolean {
    return this.#db.get('SELECT 1 FROM remote WHERE node_id = ?', nodeId) !== undefined;
  }

  /** The disk holds this now; undefined for nothing. */
  setLocal(nodeId: NodeId, node: LocalNode | undefined): void {
    this.#writeLocal(nodeId, node, this.getSynced(nodeId));
  }

  /** The workspace holds this now; undefined for nothing. */
  setRemote(nodeId: NodeId, placed: PlacedEntry | undefined): void {
    this.#writeRemote(nodeId, placed, this.getSynced(nodeId));
  }

  /** Changes the merge base under a node, and nothing of what its disk and the workspace hold. */
  rebase(nodeId: NodeId, next: SyncedNode | undefined): void {
    const local = this.getLocal(nodeId);
    const remote = this.getRemote(nodeId);
    this.#writeSynced(nodeId, next);
    this.#writeLocal(nodeId, local, next);
    this.#writeRemote(nodeId, remote, next);
  }

  /** The disk was made to hold this, and it is the merge base from now on. What the workspace holds stays as it is. */
  settle(nodeId: NodeId, next: SyncedNode | undefined): void {
    const remote = this.getRemote(nodeId);
    this.#writeSynced(nodeId, next);
    this.#db.run('DELETE FROM local WHERE node_id = ?', nodeId);
    this.#writeRemote(nodeId, remote, next);
  }

  /**
   * What was found on this disk as node `from` is node `to`: after the server named it so, or because the same thing stands
   * in the same place there. Its children on this disk follow. `to` must not be on this disk.
   */
  renameLocal(from: NodeId, to: NodeId): void {
    const node = this.getLocal(from);
    if (node === undefined) return;
    this.setLocal(to, { ...node, nodeId: to });
    this.setLocal(from, undefined);
    if (node.kind !== 'folder') return;
    for (const child of this.#localChildRows(from)) this.setLocal(child.nodeId, { ...child, parentId: to });
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
    if (next === undefined) this.#db.run('DELETE FROM synced WHERE node_id = ?', nodeId);
    else this.#db.run(insertSynced, ...syncedValues(nodeId, next));
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
      if (synced === undefined) this.#db.run('DELETE FROM local WHERE node_id = ?', nodeId);
      else this.#db.run(insertLocal, ...missingValues(nodeId));
      return;
    }
    if (synced === undefined || !samePlace(node, synced) || !holdsEntry(node, synced.entry)) {
      this.#db.run(insertLocal, ...localValues(node));
      return;
    }
    this.#db.run('DELETE FROM local WHERE node_id = ?', nodeId);
    if (!sameStat(node.stat, synced.stat))
      this.#db.run(insertSynced, ...syncedValues(nodeId, { ...synced, stat: node.stat }));
  }

  #writeRemote(nodeId: NodeId, placed: PlacedEntry | undefined, synced: SyncedNode | undefined): void {
    const same = placed === undefined ? synced === undefined : synced !== undefined && samePlaced(placed, synced);
    if (same) this.#db.run('DELETE FROM remote WHERE node_id = ?', nodeId);
    else if (placed === undefined) this.#db.run(insertRemote, nodeId, null, null, null, null, null);
    else this.#db.run(insertRemote, ...placedValues(nodeId, placed));
  }
}
