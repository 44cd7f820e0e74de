import type { RequestId, WorkspaceId } from '../../core/ids.ts';
import type { AppendResult, Head, JournalRecord, JournalStore, RequestRecord } from '../../ports/metadata-store.ts';
import { checkNextSeq, equalHeads } from '../journal-append.ts';

interface Journal {
  head: Head;
  /** Gap-free, ascending by `seq`. */
  readonly records: JournalRecord[];
}

function copyRequest(request: RequestRecord): RequestRecord {
  return { ...request, answer: request.answer.slice() };
}

function copyRecord(record: JournalRecord): JournalRecord {
  return { ...record, entry: record.entry.slice() };
}

/** Heads, journals and request records of every workspace. */
export class MemoryJournalStore implements JournalStore {
  readonly #journals = new Map<WorkspaceId, Journal>();
  readonly #requests = new Map<string, RequestRecord>();

  /** The workspace store's door: a workspace and its head come into being together. */
  createHead(workspaceId: WorkspaceId, head: Head): void {
    this.#journals.set(workspaceId, { head: { ...head }, records: [] });
  }

  async getHead(workspaceId: WorkspaceId): Promise<Head | undefined> {
    const journal = this.#journals.get(workspaceId);
    return journal && { ...journal.head };
  }

  async append(workspaceId: WorkspaceId, commit: Parameters<JournalStore['append']>[1]): Promise<AppendResult> {
    checkNextSeq(commit);
    const key = `${workspaceId}/${commit.request.requestId}`;
    if (this.#requests.has(key)) return 'request-exists';
    const journal = this.#journals.get(workspaceId);
    if (journal === undefined || !equalHeads(journal.head, commit.expected)) return 'lost-race';
    journal.head = { ...commit.next };
    journal.records.push(copyRecord(commit.record));
    this.#requests.set(key, copyRequest(commit.request));
    return 'appended';
  }

  async recordRequest(workspaceId: WorkspaceId, request: RequestRecord): Promise<'recorded' | 'request-exists'> {
    const key = `${workspaceId}/${request.requestId}`;
    if (this.#requests.has(key)) return 'request-exists';
    this.#requests.set(key, copyRequest(request));
    return 'recorded';
  }

  async getRequest(workspaceId: WorkspaceId, requestId: RequestId): Promise<RequestRecord | undefined> {
    const request = this.#requests.get(`${workspaceId}/${requestId}`);
    return request && copyRequest(request);
  }

  async list(
    workspaceId: WorkspaceId,
    afterSeq: number,
    limit: number,
    bytesMax: number,
  ): Promise<readonly JournalRecord[]> {
    const records = this.#journals.get(workspaceId)?.records ?? [];
    const start = Math.max(0, afterSeq + 1 - (records[0]?.seq ?? 1));
    const page: JournalRecord[] = [];
    let bytes = 0;
    for (let i = start; i < records.length && page.length < limit; i++) {
      bytes += records[i]!.entry.length;
      if (page.length > 0 && bytes > bytesMax) break;
      page.push(copyRecord(records[i]!));
    }
    return page;
  }

  async sweepRequests(nowMs: number): Promise<number> {
    let forgotten = 0;
    for (const [key, request] of this.#requests) {
      if (request.expiresMs >= nowMs) continue;
      this.#requests.delete(key);
      forgotten += 1;
    }
    return forgotten;
  }
}
