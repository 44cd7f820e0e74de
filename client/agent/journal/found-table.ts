/**
 * Findings of a scan that has not ended. A scan reads what is known from `synced` and `local`; if its own findings came in
 * between, a file moved from a folder not yet visited would look new there. So they wait here, and are taken over together.
 * Each finding is true by itself, so those of a scan that broke off are good too; only absence needs the whole.
 */
import type { LocalNode } from '../model.ts';
import type { Database } from './database.ts';
import { localValues, nodeIdOf, rowToLocal } from './rows.ts';
import { insertLocalInto } from './tree-rows.ts';

const insertFound = insertLocalInto('found');

export class FoundTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(node: LocalNode): void {
    this.#db.run(insertFound, ...localValues(node));
  }

  /** Up to `limit` findings, in no order, taken out of the table. */
  take(limit: number): LocalNode[] {
    const rows = this.#db.all('SELECT * FROM found LIMIT ?', limit);
    const ids = JSON.stringify(rows.map((row) => nodeIdOf(row)));
    this.#db.run('DELETE FROM found WHERE node_id IN (SELECT value FROM json_each(?))', ids);
    return rows.map(rowToLocal);
  }

  isEmpty(): boolean {
    return this.#db.get('SELECT 1 FROM found LIMIT 1') === undefined;
  }
}
