/** Questions about the trees of many nodes at once: what is in a folder, what holds a name, what differs. */
import type { Digest, NodeId } from '../../../shared/core/ids.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';
import type { Database } from './database.ts';
import { nodeIdOf, numberOf, rowToLocal, rowToPlaced, syncedAsLocalColumns, tupleToLocal } from './rows.ts';

/** `synced` rows whose view in the other tree is still what they say. */
const kept = (tree: 'local' | 'remote', where: string, columns = '*'): string =>
  `SELECT ${columns} FROM synced WHERE ${where} AND NOT EXISTS (SELECT 1 FROM ${tree} t WHERE t.node_id = synced.node_id)`;

function overlaidLocal(db: Database, where: string, ...values: readonly (string | number)[]): LocalNode[] {
  const changed = db.all(`SELECT * FROM local WHERE ${where} AND present = 1`, ...values).map(rowToLocal);
  for (const tuple of db.tuples(kept('local', where, syncedAsLocalColumns), ...values))
    changed.push(tupleToLocal(tuple));
  return changed;
}

/** Enough to find one that is still there; each is a look at the disk for whoever asks. */
const sameContentMax = 8;

/** No id is above this one. */
const lastId = 'f'.repeat(32);

export class Listings {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** What is in a folder on this disk. Unordered. */
  localChildren(folderId: NodeId): LocalNode[] {
    return overlaidLocal(this.#db, 'parent_id = ?', folderId);
  }

  localAt({ parentId, name }: Place): LocalNode | undefined {
    return overlaidLocal(this.#db, 'parent_id = ? AND name = ?', parentId, name)[0];
  }

  /** Nodes on this disk whose names have this text in them. Looks at every node. */
  localNamed(part: string): LocalNode[] {
    return overlaidLocal(this.#db, 'instr(name, ?) > 0', part);
  }

  localByInode(ino: number, dev: number): LocalNode[] {
    return overlaidLocal(this.#db, 'ino = ? AND dev = ?', ino, dev);
  }

  /** Files on this disk that hold a content, `sameContentMax` at most: a tree may have as many files of one content as it has files. */
  localByContent(content: Digest): LocalNode[] {
    const changed = this.#db.all(
      `SELECT * FROM local WHERE content = ? AND present = 1 LIMIT ${sameContentMax}`,
      content,
    );
    const rest = `${kept('local', 'content = ?', syncedAsLocalColumns)} LIMIT ${sameContentMax}`;
    return [...changed.map(rowToLocal), ...this.#db.tuples(rest, content).map(tupleToLocal)].slice(0, sameContentMax);
  }

  /** All files on this disk that hold a content and differ in some tree, or may. */
  unsettledByContent(content: Digest): LocalNode[] {
    const moved = 'EXISTS (SELECT 1 FROM remote r WHERE r.node_id = synced.node_id)';
    const changed = this.#db.all('SELECT * FROM local WHERE content = ? AND present = 1', content).map(rowToLocal);
    const rest = this.#db.tuples(kept('local', `content = ? AND ${moved}`, syncedAsLocalColumns), content);
    return [...changed, ...rest.map(tupleToLocal)];
  }

  /** What is in a folder of the workspace, as far as known. Unordered. */
  remoteChildren(folderId: NodeId): PlacedEntry[] {
    const changed = this.#db.all('SELECT * FROM remote WHERE parent_id = ? AND entry IS NOT NULL', folderId);
    return [...changed, ...this.#db.all(kept('remote', 'parent_id = ?'), folderId)].map(rowToPlaced);
  }

  remoteAt({ parentId, name }: Place): PlacedEntry | undefined {
    const row =
      this.#db.get('SELECT * FROM remote WHERE parent_id = ? AND name = ? AND entry IS NOT NULL', parentId, name) ??
      this.#db.get(kept('remote', 'parent_id = ? AND name = ?'), parentId, name);
    return row === undefined ? undefined : rowToPlaced(row);
  }

  /** Whether the workspace's newest known state has a file of this content: then its chunks are there, verified. */
  isRemoteContent(content: Digest): boolean {
    return (
      this.#db.get('SELECT 1 FROM remote WHERE content = ? LIMIT 1', content) !== undefined ||
      this.#db.get(`${kept('remote', 'content = ?')} LIMIT 1`, content) !== undefined
    );
  }

  /** Up to `limit` nodes that differ on this disk, with ids above `after` and not above `upTo`, ascending. */
  localChanges(after: string, limit: number, upTo: string = lastId): NodeId[] {
    return this.#ids('local', after, upTo, limit);
  }

  /** The same for nodes that differ on the server. */
  remoteChanges(after: string, limit: number, upTo: string = lastId): NodeId[] {
    return this.#ids('remote', after, upTo, limit);
  }

  /** Nodes that differ on the server and have this name there. Looks at every difference. */
  remoteChangesNamed(name: string): NodeId[] {
    return this.#db.all('SELECT node_id FROM remote WHERE name = ?', name).map((row) => nodeIdOf(row));
  }

  countLocalChanges(): number {
    return this.#count('SELECT count(*) AS n FROM local WHERE present < 2');
  }

  countRemoteChanges(): number {
    return this.#count('SELECT count(*) AS n FROM remote');
  }

  /** Files of the merge base: all that were last equal here and on the server. Those that this device chose not to have are not here. */
  countSyncedFiles(): number {
    return (
      this.#count(`SELECT count(*) AS n FROM synced WHERE kind <> 'folder'`) -
      this.#count(
        `SELECT count(*) AS n FROM local l JOIN synced s ON s.node_id = l.node_id
           WHERE l.present = 2 AND s.kind <> 'folder'`,
      )
    );
  }

  /** Nodes that are gone from this disk, with ids above `after`, ascending. */
  localGone(after: string, limit: number): NodeId[] {
    const sql = 'SELECT node_id FROM local WHERE present = 0 AND node_id > ? ORDER BY node_id LIMIT ?';
    return this.#db.all(sql, after, limit).map((row) => nodeIdOf(row));
  }

  hasUnselected(): boolean {
    return this.#db.get('SELECT 1 FROM local WHERE present = 2 LIMIT 1') !== undefined;
  }

  /** Up to `limit` links that are not on this disk because this device chose so. */
  unselectedLinks(limit: number): NodeId[] {
    const sql = `SELECT s.node_id FROM synced s JOIN local l ON l.node_id = s.node_id
      WHERE s.kind = 'symlink' AND l.present = 2 LIMIT ?`;
    return this.#db.all(sql, limit).map((row) => nodeIdOf(row));
  }

  /** Whether something that this device chose not to have belongs at a place. */
  isUnselectedAt({ parentId, name }: Place): boolean {
    const sql = `SELECT 1 FROM synced s JOIN local l ON l.node_id = s.node_id
      WHERE s.parent_id = ? AND s.name = ? AND l.present = 2 LIMIT 1`;
    return this.#db.get(sql, parentId, name) !== undefined;
  }

  /** Files that are gone from this disk and whose deletion would leave it: those that the server still has, unchanged. */
  countLocalDeletions(): number {
    return this.#count(
      `SELECT count(*) AS n FROM local l JOIN synced s ON s.node_id = l.node_id
         WHERE l.present = 0 AND s.kind <> 'folder'
           AND NOT EXISTS (SELECT 1 FROM remote r WHERE r.node_id = l.node_id)`,
    );
  }

  /** Files that are gone from the server and unchanged here, so that they would be removed. */
  countRemoteDeletions(): number {
    return this.#count(
      `SELECT count(*) AS n FROM remote r JOIN synced s ON s.node_id = r.node_id
         WHERE r.entry IS NULL AND s.kind <> 'folder'
           AND NOT EXISTS (SELECT 1 FROM local l WHERE l.node_id = r.node_id)`,
    );
  }

  #ids(tree: 'local' | 'remote', after: string, upTo: string, limit: number): NodeId[] {
    const differs = tree === 'local' ? 'present < 2 AND' : '';
    const sql = `SELECT node_id FROM ${tree} WHERE ${differs} node_id > ? AND node_id <= ? ORDER BY node_id LIMIT ?`;
    return this.#db.all(sql, after, upTo, limit).map((row) => nodeIdOf(row));
  }

  #count(sql: string): number {
    const row = this.#db.get(sql);
    return row === undefined ? 0 : numberOf(row, 'n');
  }
}
