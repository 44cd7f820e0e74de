/**
 * The SHA-256 of contents that were read here, where the workspace asks for it: found while a file is hashed, told when it is
 * committed. By content, since one content has one.
 */
import { type Digest, parseDigest } from '../../../shared/core/ids.ts';
import type { Database } from './database.ts';
import { textOf } from './rows.ts';

export class Sha256Table {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(content: Digest): Digest | undefined {
    const row = this.#db.get('SELECT sha256 FROM sha256 WHERE content = ?', content);
    return row === undefined ? undefined : parseDigest(textOf(row, 'sha256'));
  }

  add(content: Digest, sha256: Digest): void {
    this.#db.run('INSERT OR REPLACE INTO sha256 (content, sha256) VALUES (?, ?)', content, sha256);
  }

  /** Drops those of contents that no node on this disk has. Returns how many. Costs one pass over the table. */
  prune(): number {
    return this.#db.run(`DELETE FROM sha256 WHERE
      NOT EXISTS (SELECT 1 FROM synced WHERE synced.content = sha256.content)
      AND NOT EXISTS (SELECT 1 FROM local WHERE local.content = sha256.content)
      AND NOT EXISTS (SELECT 1 FROM found WHERE found.content = sha256.content)`);
  }
}
