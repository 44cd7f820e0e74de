/** Conflict copies that came of commits of this device, kept for people until the copy is gone. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Database } from './database.ts';
import { type Row, nodeIdOf, numberOf, textOf } from './rows.ts';

export interface ConflictRecord {
  /** The copy. */
  readonly nodeId: NodeId;
  /** What it is a copy of, or what this device called it before. */
  readonly of: NodeId;
  readonly name: string;
  /** When the losing change was noticed, by this device's clock. */
  readonly clockMs: number;
}

export class ConflictsTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(conflict: ConflictRecord): void {
    this.#db.run(
      'INSERT OR REPLACE INTO conflicts (node_id, of_id, name, clock_ms) VALUES (?, ?, ?, ?)',
      conflict.nodeId,
      conflict.of,
      conflict.name,
      conflict.clockMs,
    );
  }

  /** What was noted of a copy; undefined for one that another device's commit made. */
  get(nodeId: NodeId): ConflictRecord | undefined {
    const row = this.#db.get('SELECT * FROM conflicts WHERE node_id = ?', nodeId);
    return row === undefined ? undefined : rowToConflict(row);
  }

  /** All that were ever noted here, oldest first. */
  listAll(): readonly ConflictRecord[] {
    return this.#db.all('SELECT * FROM conflicts ORDER BY clock_ms, node_id').map(rowToConflict);
  }

  /** Those whose copy is still in the folder, oldest first, at most 1,000. */
  list(): readonly ConflictRecord[] {
    return this.#db
      .all(
        `SELECT * FROM conflicts WHERE node_id IN (SELECT node_id FROM synced)
           OR node_id IN (SELECT node_id FROM local WHERE present = 1) ORDER BY clock_ms, node_id LIMIT 1000`,
      )
      .map(rowToConflict);
  }
}

function rowToConflict(row: Row): ConflictRecord {
  return {
    nodeId: nodeIdOf(row),
    of: nodeIdOf(row, 'of_id'),
    name: textOf(row, 'name'),
    clockMs: numberOf(row, 'clock_ms'),
  };
}
