/**
 * Queues in a SQLite file of their own, so that looking for messages never makes a commit wait. Any number of processes may
 * have it open.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';
import type { Queue, QueueMessage } from '../../ports/queue.ts';
import { checkQueueBody, checkQueueMax } from '../queue-bounds.ts';
import { attempt, openDatabase } from './database.ts';
import { type Row, integerOf, textOf } from './row.ts';

/** As the schema of the metadata file: a step never changes once it has been released. Ids are never used again. */
const queueSteps: readonly string[] = [
  `
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, inserted_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL, dequeues INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messages_by_queue ON messages (queue, visible_ms);
  `,
];

/** The count of receipts names the last one. */
function rowToMessage(row: Row, receipt: 'received' | 'peeked'): QueueMessage {
  const dequeueCount = integerOf(row, 'dequeues');
  return {
    id: String(integerOf(row, 'id')),
    receipt: receipt === 'received' ? String(dequeueCount) : '',
    body: textOf(row, 'body'),
    dequeueCount,
    insertedMs: integerOf(row, 'inserted_ms'),
  };
}

function queueOf(database: DatabaseSync, clock: Clock): Queue {
  const insert = database.prepare(
    'INSERT INTO messages (queue, body, inserted_ms, visible_ms, dequeues) VALUES (?, ?, ?, ?, 0)',
  );
  /** One statement: no two receivers get one message. */
  const receive = database.prepare(
    `UPDATE messages SET dequeues = dequeues + 1, visible_ms = :hiddenUntilMs
     WHERE id IN (SELECT id FROM messages WHERE queue = :queue AND visible_ms <= :nowMs ORDER BY id LIMIT :max)
     RETURNING *`,
  );
  const peek = database.prepare(
    'SELECT * FROM messages WHERE queue = :queue AND visible_ms <= :nowMs ORDER BY id LIMIT :max',
  );
  const remove = database.prepare('DELETE FROM messages WHERE queue = ? AND id = ? AND dequeues = ?');
  return {
    send: (queue, body) =>
      attempt(() => {
        checkQueueBody(body);
        const nowMs = clock.now();
        insert.run(queue, body, nowMs, nowMs);
      }),
    receive: (queue, max, hiddenSeconds) =>
      attempt(() => {
        checkQueueMax(max);
        const nowMs = clock.now();
        const rows = receive.all({ queue, nowMs, max, hiddenUntilMs: nowMs + hiddenSeconds * 1_000 });
        return rows.map((row) => rowToMessage(row, 'received')).sort((a, b) => Number(a.id) - Number(b.id));
      }),
    remove: (queue, { id, receipt }) =>
      attempt(() => {
        if (!/^[1-9]\d{0,14}$/.test(id) || !/^[1-9]\d{0,14}$/.test(receipt)) return 'lost';
        return remove.run(queue, Number(id), Number(receipt)).changes === 1 ? 'removed' : 'lost';
      }),
    peek: (queue, max) =>
      attempt(() => {
        checkQueueMax(max);
        return peek.all({ queue, nowMs: clock.now(), max }).map((row) => rowToMessage(row, 'peeked'));
      }),
  };
}

export interface SqliteQueue extends Queue {
  /** Closes the file. Nothing is lost without it. */
  close(): void;
}

/**
 * Opens the queues in `file`, whose folder exists, making the file as needed; `:memory:` gives private ones that die with the
 * process. Throws as createSqliteMetadataStore does.
 */
export function createSqliteQueue(options: { readonly file: string; readonly clock: Clock }): SqliteQueue {
  const database = openDatabase(options.file, queueSteps);
  return { ...queueOf(database, options.clock), close: () => database.close() };
}
