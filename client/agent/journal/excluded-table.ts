/**
 * What the user chose not to have on this device: files, links, and folders with all that is ever in them. By node, so that a choice
 * holds wherever the node is moved, and whenever it comes back.
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Database } from './database.ts';
import { nodeIdOf } from './rows.ts';
import { schemaVersionWithExcluded } from './schema.ts';

export class ExcludedTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  list(): readonly NodeId[] {
    return this.#db.all('SELECT node_id FROM excluded ORDER BY node_id').map((row) => nodeIdOf(row));
  }

  /** To be called before anything is taken from the disk. From now on earlier agents do not know this journal. */
  add(nodeId: NodeId): void {
    this.#db.transaction(() => {
      this.#db.run('INSERT OR IGNORE INTO excluded (node_id) VALUES (?)', nodeId);
      this.#db.exec(`PRAGMA user_version = ${schemaVersionWithExcluded}`);
    });
  }

  /** To be called with the first node that is left out without being excluded: earlier agents do not know what it is then. */
  markUnselected(): void {
    this.#db.exec(`PRAGMA user_version = ${schemaVersionWithExcluded}`);
  }

  remove(nodeId: NodeId): void {
    this.#db.run('DELETE FROM excluded WHERE node_id = ?', nodeId);
  }
}
