/**
 * What happened to the names of a blob folder, in order: `<folder>/.changes`, a SQLite file that every process which uses the
 * folder appends to. A change is made durable before the name is given or taken, and under the lock of names (blob-names.ts), so
 *
 *   nothing is left out   a crash in between leaves a change that did not come about, never one that is not told
 *   order is right        of one name, and in fact of all: one at a time changes names, and tells before it does
 *   the tail is whole     SQLite's journal sees to that
 *
 * Told is what goes through a store. A file that somebody puts into the folder or removes by hand is in no feed: nobody tells it.
 * The newest 250,000 changes are kept, some weeks of a busy machine.
 *
 * A file that is damaged must not keep blobs from being written: it is left aside, where it is, and `.changes.1` begins anew, after it
 * `.changes.2`; the newest of them counts. Cursors of the old one mean nothing to it. Nothing is renamed, because other processes may
 * have the old file open, and SQLite finds what lies beside a file by its name.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TidemarkError, isTidemarkError } from '../../core/errors.ts';
import { type BlobChange, type ChangeFeedPage, blobChangeKinds } from '../../ports/change-feed.ts';
import { type Log, silentLog } from '../../ports/log.ts';
import { attemptNow, openDatabase, transact } from '../sqlite/database.ts';
import { isFileError } from './file-errors.ts';

export const changeLogName = '.changes';
const keptMax = 250_000;
/** How many changes pass between two times that the oldest are forgotten. */
const forgetEvery = 1_024;

const steps = [
  `CREATE TABLE changes (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     kind TEXT NOT NULL, container TEXT NOT NULL, name TEXT NOT NULL, etag TEXT NOT NULL, timeMs INTEGER NOT NULL, api TEXT NOT NULL
   ) STRICT;
   CREATE TABLE log (id TEXT NOT NULL) STRICT;`,
];

interface Opened {
  readonly file: string;
  readonly database: DatabaseSync;
  /** Drawn when the file was made: cursors name it. */
  readonly id: string;
  readonly insert: StatementSync;
  readonly select: StatementSync;
  readonly bounds: StatementSync;
}

export interface ChangeLogOptions {
  /** Told when a damaged file is left aside. */
  readonly log?: Log;
  /** For tests; how many changes are kept at least. */
  readonly kept?: number;
}

function openLog(file: string): Opened {
  const database = openDatabase(file, steps);
  try {
    // Two processes may begin a log at once: the first row is its id.
    database
      .prepare('INSERT INTO log SELECT ? WHERE NOT EXISTS (SELECT 1 FROM log)')
      .run(randomBytes(8).toString('hex'));
    return {
      file,
      database,
      id: String(database.prepare('SELECT id FROM log ORDER BY rowid LIMIT 1').get()?.['id']),
      insert: database.prepare(
        'INSERT INTO changes (kind, container, name, etag, timeMs, api) VALUES (?, ?, ?, ?, ?, ?)',
      ),
      select: database.prepare('SELECT * FROM changes WHERE seq > ? ORDER BY seq LIMIT ?'),
      bounds: database.prepare(
        "SELECT (SELECT min(seq) FROM changes) AS first, (SELECT seq FROM sqlite_sequence WHERE name = 'changes') AS last",
      ),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

export class ChangeLog {
  readonly #file: string;
  readonly #log: Log;
  readonly #keptMax: number;
  /** How many files were left aside, as far as is known. */
  #asideCount = 0;
  #opened: Opened | undefined;

  constructor(file: string, { log = silentLog, kept = keptMax }: ChangeLogOptions = {}) {
    this.#file = file;
    this.#log = log;
    this.#keptMax = kept;
  }

  #fileAfter(aside: number): string {
    return aside === 0 ? this.#file : `${this.#file}.${aside}`;
  }

  /** The newest file: another process may have begun one. */
  #open(): Opened {
    while (existsSync(this.#fileAfter(this.#asideCount + 1))) this.#asideCount += 1;
    const file = this.#fileAfter(this.#asideCount);
    if (this.#opened?.file !== file) this.close();
    this.#opened ??= openLog(file);
    return this.#opened;
  }

  /** Begins a new file after one that is damaged. Under the lock of names: what others tell meanwhile would be in the old one. */
  leaveAside(): void {
    const next = this.#fileAfter(this.#asideCount + 1);
    this.#log.warn({ file: path.basename(next) }, 'the change feed of the blob folder is damaged: it begins anew');
    try {
      closeSync(openSync(next, 'wx', 0o600));
    } catch (error) {
      if (!isFileError(error, 'EEXIST')) throw error;
    }
  }

  /**
   * All of them, in this order, durable when this returns. Synchronous and under the lock of names.
   * @throws TidemarkError as the metadata file does, for instance `busy` when the disk is full; but a damaged file is left aside.
   */
  append(changes: readonly BlobChange[]): void {
    try {
      attemptNow(() => this.#insertAll(changes));
    } catch (error) {
      if (!isTidemarkError(error, 'corrupt')) throw error;
      this.leaveAside();
      attemptNow(() => this.#insertAll(changes));
    }
  }

  #insertAll(changes: readonly BlobChange[]): void {
    const { database, insert } = this.#open();
    transact(database, 'IMMEDIATE', () => {
      let forgetUpTo = 0;
      for (const { kind, container, name, etag, timeMs, api } of changes) {
        const seq = Number(insert.run(kind, container, name, etag, Math.trunc(timeMs), api).lastInsertRowid);
        if (seq % forgetEvery === 0) forgetUpTo = seq - this.#keptMax;
      }
      if (forgetUpTo > 0) database.prepare('DELETE FROM changes WHERE seq <= ?').run(forgetUpTo);
    });
  }

  /** As `ChangeFeed.read`. */
  read(cursor: string | null, limit: number): ChangeFeedPage {
    const { id, select } = this.#open();
    const after = cursor === null ? 0 : this.#parseCursor(cursor);
    const rows = select.all(after, limit);
    const last = rows.at(-1);
    return { changes: rows.map(rowToChange), cursor: last === undefined ? cursor : `${id}.${Number(last['seq'])}` };
  }

  #parseCursor(cursor: string): number {
    const { id, bounds } = this.#open();
    const [, of, digits] = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(cursor) ?? [];
    const { first, last } = bounds.get() ?? {};
    const seq = Number(digits);
    // What came after a cursor that is older than the oldest change may be forgotten.
    if (of === id && seq <= Number(last ?? 0) && seq >= Number(first ?? 1) - 1) return seq;
    throw new TidemarkError('malformed', 'the cursor is none of this change feed, or older than what it keeps');
  }

  close(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.database.close();
  }
}

function rowToChange(row: Record<string, unknown>): BlobChange {
  const kind = blobChangeKinds.find((known) => known === row['kind']) ?? 'other';
  const [container, name, etag, api] = [row['container'], row['name'], row['etag'], row['api']].map(String);
  return { kind, container: container!, name: name!, etag: etag!, timeMs: Number(row['timeMs']), api: api! };
}
