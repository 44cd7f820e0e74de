/** Write permissions that were taken from files while the server cannot be reached, until they are given back. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Database } from './database.ts';
import { nodeIdOf, numberOf } from './rows.ts';

export interface TakenBits {
  readonly nodeId: NodeId;
  /** The file's, when they were taken: another file in its place has permissions of its own. */
  readonly ino: number;
  readonly dev: number;
  /** Of 0o222; never 0. */
  readonly bits: number;
}

export class WriteBitsTable {
  readonly #db: Database;

  /** Makes the table in a journal that has none: it is there only where it was ever needed. */
  constructor(db: Database) {
    this.#db = db;
    db.exec(
      `CREATE TABLE IF NOT EXISTS write_bits (
         node_id TEXT PRIMARY KEY, ino REAL NOT NULL, dev REAL NOT NULL, bits INTEGER NOT NULL) WITHOUT ROWID`,
    );
  }

  isEmpty(): boolean {
    return this.#db.get('SELECT 1 FROM write_bits LIMIT 1') === undefined;
  }

  has(nodeId: NodeId): boolean {
    return this.#db.get('SELECT 1 FROM write_bits WHERE node_id = ?', nodeId) !== undefined;
  }

  put({ nodeId, ino, dev, bits }: TakenBits): void {
    this.#db.run(
      'INSERT OR REPLACE INTO write_bits (node_id, ino, dev, bits) VALUES (?, ?, ?, ?)',
      nodeId,
      ino,
      dev,
      bits,
    );
  }

  remove(nodeId: NodeId): void {
    this.#db.run('DELETE FROM write_bits WHERE node_id = ?', nodeId);
  }

  list(): readonly TakenBits[] {
    return this.#db.all('SELECT * FROM write_bits').map((row) => ({
      nodeId: nodeIdOf(row),
      ino: numberOf(row, 'ino'),
      dev: numberOf(row, 'dev'),
      bits: numberOf(row, 'bits'),
    }));
  }
}
