/**
 * Rows of the three trees by node id, read and written one by one, and kept in memory while a batch of known nodes is worked
 * on: thousands of nodes are then read with three queries, and rows that are not there are not deleted.
 */
import type { SQLInputValue } from 'node:sqlite';
import type { NodeId } from '../../../shared/core/ids.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';
import type { Database } from './database.ts';
import {
  type Row,
  type SyncedNode,
  localValues,
  missingValues,
  nodeIdOf,
  placedValues,
  rowToLocal,
  rowToPlaced,
  rowToSynced,
  syncedValues,
  unselectedValues,
} from './rows.ts';

type Table = 'synced' | 'local' | 'remote';

/** A row of `local`: the node that is there; null for one that is gone; or one that this device chose not to have. */
export type LocalRow = LocalNode | null | 'unselected';

const insertSynced = `INSERT OR REPLACE INTO synced
  (node_id, parent_id, name, kind, entry, content, size, mtime_ms, ctime_ms, ino, dev, mode)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
export const insertLocalInto = (table: 'local' | 'found'): string => `INSERT OR REPLACE INTO ${table}
  (node_id, present, parent_id, name, kind, content, target, size, mtime_ms, ctime_ms, ino, dev, mode)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const insertLocal = insertLocalInto('local');
const insertRemote = `INSERT OR REPLACE INTO remote (node_id, parent_id, name, kind, entry, content)
  VALUES (?, ?, ?, ?, ?, ?)`;

function rowToLocalRow(row: Row): LocalRow {
  if (row['present'] === 1) return rowToLocal(row);
  return row['present'] === 2 ? 'unselected' : null;
}

function localRowValues(id: NodeId, row: LocalRow): SQLInputValue[] {
  if (row === null) return missingValues(id);
  return row === 'unselected' ? unselectedValues(id) : localValues(row);
}

const rowToRemoteOrGone = (row: Row): PlacedEntry | null => (row['entry'] === null ? null : rowToPlaced(row));

/** Rows read so far, in a batch; undefined for none. */
class RowCache {
  readonly synced = new Map<NodeId, SyncedNode | undefined>();
  readonly local = new Map<NodeId, LocalRow | undefined>();
  readonly remote = new Map<NodeId, PlacedEntry | null | undefined>();
}

/** Null stands for a row that says the node is gone; undefined for no row. */
export class TreeRows {
  readonly #db: Database;
  #cache: RowCache | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Runs `work`, which deals with these nodes mostly, with their rows in memory. Inside another batch it adds to that. The
   * rows must not be written by any other way meanwhile.
   */
  batch<T>(nodeIds: readonly NodeId[], work: () => T): T {
    const outer = this.#cache;
    this.#cache ??= new RowCache();
    try {
      this.#load(this.#cache, nodeIds);
      return work();
    } finally {
      this.#cache = outer;
    }
  }

  #load(cache: RowCache, nodeIds: readonly NodeId[]): void {
    const fresh = nodeIds.filter((id) => !cache.synced.has(id));
    for (const id of fresh) {
      cache.synced.set(id, undefined);
      cache.local.set(id, undefined);
      cache.remote.set(id, undefined);
    }
    const ids = JSON.stringify(fresh);
    for (const row of this.#select('synced', ids)) cache.synced.set(nodeIdOf(row), rowToSynced(row));
    for (const row of this.#select('local', ids)) cache.local.set(nodeIdOf(row), rowToLocalRow(row));
    for (const row of this.#select('remote', ids)) cache.remote.set(nodeIdOf(row), rowToRemoteOrGone(row));
  }

  #select(table: Table, ids: string): readonly Row[] {
    return this.#db.all(`SELECT * FROM ${table} WHERE node_id IN (SELECT value FROM json_each(?))`, ids);
  }

  #get<T>(
    table: Table,
    cache: Map<NodeId, T | undefined> | undefined,
    id: NodeId,
    read: (row: Row) => T,
  ): T | undefined {
    if (cache?.has(id) === true) return cache.get(id);
    const row = this.#db.get(`SELECT * FROM ${table} WHERE node_id = ?`, id);
    const value = row === undefined ? undefined : read(row);
    cache?.set(id, value);
    return value;
  }

  getSynced(id: NodeId): SyncedNode | undefined {
    return this.#get('synced', this.#cache?.synced, id, rowToSynced);
  }

  getLocal(id: NodeId): LocalRow | undefined {
    return this.#get('local', this.#cache?.local, id, rowToLocalRow);
  }

  getRemote(id: NodeId): PlacedEntry | null | undefined {
    return this.#get('remote', this.#cache?.remote, id, rowToRemoteOrGone);
  }

  setSynced(id: NodeId, node: SyncedNode | undefined): void {
    this.#cache?.synced.set(id, node);
    if (node === undefined) this.#db.run('DELETE FROM synced WHERE node_id = ?', id);
    else this.#db.run(insertSynced, ...syncedValues(id, node));
  }

  setLocal(id: NodeId, node: LocalRow | undefined): void {
    if (node === undefined && this.#isKnownAbsent(this.#cache?.local, id)) return;
    this.#cache?.local.set(id, node);
    if (node === undefined) this.#db.run('DELETE FROM local WHERE node_id = ?', id);
    else this.#db.run(insertLocal, ...localRowValues(id, node));
  }

  setRemote(id: NodeId, placed: PlacedEntry | null | undefined): void {
    if (placed === undefined && this.#isKnownAbsent(this.#cache?.remote, id)) return;
    this.#cache?.remote.set(id, placed);
    if (placed === undefined) this.#db.run('DELETE FROM remote WHERE node_id = ?', id);
    else if (placed === null) this.#db.run(insertRemote, id, null, null, null, null, null);
    else this.#db.run(insertRemote, ...placedValues(id, placed));
  }

  #isKnownAbsent(cache: ReadonlyMap<NodeId, unknown> | undefined, id: NodeId): boolean {
    return cache?.has(id) === true && cache.get(id) === undefined;
  }
}
