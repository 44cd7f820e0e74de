/** Chunk lists of contents of more than one chunk: what uploads are cut into, and what downloads can take from this disk. */
import { type Digest, parseDigest } from '../../../shared/core/ids.ts';
import type { ContentChunks } from '../model.ts';
import type { Database } from './database.ts';
import { type Row, bytesOf, numberOf, textOf } from './rows.ts';

/** Lengths as they lie in memory would differ by the host's byte order; the file is read on the host that wrote it. */
function lengthsToBytes(lengths: Uint32Array): Uint8Array {
  return new Uint8Array(lengths.buffer, lengths.byteOffset, lengths.byteLength);
}

function bytesToLengths(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

/** Rows read at once: a list has some kilobytes on average, and a few megabytes at most. */
const pageRows = 64;

function rowToChunks(row: Row): ContentChunks {
  return {
    root: parseDigest(textOf(row, 'root')),
    profileId: numberOf(row, 'profile'),
    size: numberOf(row, 'size'),
    lengths: bytesToLengths(bytesOf(row, 'lengths')),
    hashes: bytesOf(row, 'hashes'),
  };
}

export class ContentsTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(root: Digest): ContentChunks | undefined {
    const row = this.#db.get('SELECT * FROM contents WHERE root = ?', root);
    return row === undefined ? undefined : rowToChunks(row);
  }

  /** All of them, a few at a time: the table may change meanwhile. */
  *all(): Generator<ContentChunks> {
    for (let after = 0; ;) {
      const rows = this.#db.all(
        'SELECT rowid AS place, * FROM contents WHERE rowid > ? ORDER BY rowid LIMIT ?',
        after,
        pageRows,
      );
      for (const row of rows) yield rowToChunks(row);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = numberOf(last, 'place');
    }
  }

  add(chunks: ContentChunks): void {
    this.#db.run(
      'INSERT OR IGNORE INTO contents (root, profile, size, lengths, hashes) VALUES (?, ?, ?, ?, ?)',
      chunks.root,
      chunks.profileId,
      chunks.size,
      lengthsToBytes(chunks.lengths),
      chunks.hashes,
    );
  }

  /** Drops the lists of contents that no node of any tree has. Returns how many. Costs one pass over the table. */
  prune(): number {
    return this.#db.run(`DELETE FROM contents WHERE
      NOT EXISTS (SELECT 1 FROM synced WHERE content = root) AND NOT EXISTS (SELECT 1 FROM local WHERE content = root)
      AND NOT EXISTS (SELECT 1 FROM remote WHERE content = root) AND NOT EXISTS (SELECT 1 FROM found WHERE content = root)`);
  }
}
