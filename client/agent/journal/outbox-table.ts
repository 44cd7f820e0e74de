/**
 * Commits that this device decided on: appended before they are sent, removed together with what their answer changed here.
 * After a crash in between, the very same request is sent again under the very same id, and its answer is the same.
 */
import { type RequestId, parseRequestId } from '../../../shared/core/ids.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Database } from './database.ts';
import { matchesChecksum, recordChecksum } from './record-checksum.ts';
import { bytesOf, numberOf, textOf } from './rows.ts';

export interface OutboxRecord {
  /** Ascends in the order of appending. */
  readonly id: number;
  readonly requestId: RequestId;
  readonly body: Uint8Array;
}

export class OutboxTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  append(requestId: RequestId, body: Uint8Array): OutboxRecord {
    const row = this.#db.get(
      'INSERT INTO outbox (request_id, body, checksum) VALUES (?, ?, ?) RETURNING id',
      requestId,
      body,
      recordChecksum(body),
    );
    return { id: row === undefined ? 0 : numberOf(row, 'id'), requestId, body };
  }

  /** The oldest record that is not answered. Throws `corrupt` when its bytes are not as written. */
  first(): OutboxRecord | undefined {
    const row = this.#db.get('SELECT * FROM outbox ORDER BY id LIMIT 1');
    if (row === undefined) return undefined;
    const body = bytesOf(row, 'body');
    if (!matchesChecksum(body, textOf(row, 'checksum'))) {
      throw new TidemarkError('corrupt', "a commit in the agent's journal is damaged", {
        data: { journal: true },
      });
    }
    return { id: numberOf(row, 'id'), requestId: parseRequestId(textOf(row, 'request_id')), body };
  }

  remove(id: number): void {
    this.#db.run('DELETE FROM outbox WHERE id = ?', id);
  }
}
