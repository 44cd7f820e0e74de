import type { DatabaseSync } from 'node:sqlite';
import { type WorkspaceId, bytesToDigest, bytesToRequestId, idToBytes } from '../../core/ids.ts';
import type { Head, JournalRecord, JournalStore, RequestRecord } from '../../ports/metadata-store.ts';
import { checkNextSeq, equalHeads } from '../journal-append.ts';
import { attempt } from './database.ts';
import { headColumns, headToValues, rowToHead } from './head-row.ts';
import { type Row, bytesOf, integerOf } from './row.ts';
import type { Write } from './write-group.ts';

function rowToRequest(row: Row): RequestRecord {
  return {
    requestId: bytesToRequestId(bytesOf(row, 'request')),
    bodyHash: bytesToDigest(bytesOf(row, 'body_hash')),
    answer: bytesOf(row, 'answer'),
    expiresMs: integerOf(row, 'expires_ms'),
  };
}

function rowToRecord(row: Row): JournalRecord {
  const editsHash = row['edits_hash'] === null ? null : bytesToDigest(bytesOf(row, 'edits_hash'));
  return { seq: integerOf(row, 'seq'), entry: bytesOf(row, 'entry'), editsHash };
}

export function createSqliteJournalStore(database: DatabaseSync, write: Write): JournalStore {
  const selectHead = database.prepare(`SELECT ${headColumns} FROM heads WHERE workspace = ?`);
  const updateHead = database.prepare(`UPDATE heads SET (${headColumns}) = (?, ?, ?, ?, ?, ?) WHERE workspace = ?`);
  const insertEntry = database.prepare('INSERT INTO journal (workspace, seq, entry, edits_hash) VALUES (?, ?, ?, ?)');
  const selectEntries = database.prepare(
    'SELECT seq, entry, edits_hash FROM journal WHERE workspace = ? AND seq > ? ORDER BY seq LIMIT ?',
  );
  const selectRequest = database.prepare('SELECT * FROM requests WHERE workspace = ? AND request = ?');
  const insertRequest = database.prepare(
    'INSERT OR IGNORE INTO requests (workspace, request, body_hash, answer, expires_ms) VALUES (?, ?, ?, ?, ?)',
  );
  const removeRequests = database.prepare('DELETE FROM requests WHERE expires_ms < ?');

  function findHead(workspaceId: WorkspaceId): Head | undefined {
    const row = selectHead.get(idToBytes(workspaceId));
    return row && rowToHead(row);
  }

  /** False when the request id is taken. */
  function addRequest(workspaceId: WorkspaceId, request: RequestRecord): boolean {
    const { requestId, bodyHash, answer, expiresMs } = request;
    const values = [idToBytes(workspaceId), idToBytes(requestId), idToBytes(bodyHash), answer, expiresMs] as const;
    return insertRequest.run(...values).changes === 1;
  }

  function setHead(workspaceId: WorkspaceId, head: Head): void {
    updateHead.run(...headToValues(head), idToBytes(workspaceId));
  }

  return {
    getHead: (workspaceId) => attempt(() => findHead(workspaceId)),
    append: (workspaceId, { expected, next, record, request }) =>
      write(() => {
        checkNextSeq({ expected, next, record, request });
        const id = idToBytes(workspaceId);
        if (selectRequest.get(id, idToBytes(request.requestId)) !== undefined) return 'request-exists';
        const head = findHead(workspaceId);
        if (head === undefined || !equalHeads(head, expected)) return 'lost-race';
        setHead(workspaceId, next);
        insertEntry.run(id, record.seq, record.entry, record.editsHash && idToBytes(record.editsHash));
        addRequest(workspaceId, request);
        return 'appended';
      }),
    recordRequest: (workspaceId, request) =>
      write(() => (addRequest(workspaceId, request) ? 'recorded' : 'request-exists')),
    getRequest: (workspaceId, requestId) =>
      attempt(() => {
        const row = selectRequest.get(idToBytes(workspaceId), idToBytes(requestId));
        return row && rowToRequest(row);
      }),
    list: (workspaceId, afterSeq, limit, bytesMax) =>
      attempt(() => {
        const page: JournalRecord[] = [];
        let bytes = 0;
        for (const row of selectEntries.iterate(idToBytes(workspaceId), afterSeq, limit)) {
          const record = rowToRecord(row);
          bytes += record.entry.length;
          if (page.length > 0 && bytes > bytesMax) break;
          page.push(record);
        }
        return page;
      }),
    sweepRequests: (nowMs) => attempt(() => Number(removeRequests.run(nowMs).changes)),
  };
}
