/**
 * What is about to be changed on this disk, written down before it is touched and struck out with the results. What a scan
 * finds at an intended node after a crash may be half done: it proves nothing about what the user did (FAULTS: an unexplained
 * empty file was uploaded over good ones; a queued download was read as a delete).
 */
import { type Digest, type NodeId, parseDigest } from '../../../shared/core/ids.ts';
import type { Database } from './database.ts';
import { type Row, nodeIdOf, numberOf, textOf } from './rows.ts';

export interface Intent {
  readonly nodeId: NodeId;
  /** Where it will be, from the root. */
  readonly path: string;
  /** What a file will hold; null for anything but a write. */
  readonly content: Digest | null;
  readonly size: number;
  /** The time that a written file is given. */
  readonly mtimeMs: number;
}

function rowToIntent(row: Row): Intent {
  return {
    nodeId: nodeIdOf(row),
    path: textOf(row, 'path'),
    content: row['content'] === null ? null : parseDigest(textOf(row, 'content')),
    size: numberOf(row, 'size'),
    mtimeMs: numberOf(row, 'mtime_ms'),
  };
}

export class IntentsTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(intents: readonly Intent[]): void {
    this.#db.transaction(() => {
      for (const { nodeId, path, content, size, mtimeMs } of intents) {
        this.#db.run(
          'INSERT OR REPLACE INTO intents (node_id, path, content, size, mtime_ms) VALUES (?, ?, ?, ?, ?)',
          nodeId,
          path,
          content,
          size,
          mtimeMs,
        );
      }
    });
  }

  list(): readonly Intent[] {
    return this.#db.all('SELECT * FROM intents ORDER BY node_id').map(rowToIntent);
  }

  /** Where a node was to be brought. */
  pathOf(nodeId: NodeId): string | undefined {
    const row = this.#db.get('SELECT path FROM intents WHERE node_id = ?', nodeId);
    return row === undefined ? undefined : textOf(row, 'path');
  }

  isEmpty(): boolean {
    return this.#db.get('SELECT 1 FROM intents LIMIT 1') === undefined;
  }

  remove(nodeId: NodeId): void {
    this.#db.run('DELETE FROM intents WHERE node_id = ?', nodeId);
  }
}
