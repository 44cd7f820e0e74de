import type { RequestId, WorkspaceId } from '../../core/ids.ts';
import type { AppendResult, Head, JournalRecord, JournalStore, RequestRecord } from '../../ports/metadata-store.ts';
import { checkNextSeq, copyHead, equalHeads } from '../journal-append.ts';
import { WorkspaceRows } from './workspace-rows.ts';

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
  readonly #requests = new WorkspaceRows<RequestId, RequestRecord>();

  /** The workspace store's door: a workspace and its head come into being together. */
  createHead(workspaceId: WorkspaceId, head: Head): void {
    this.#journals.set(workspaceId, { head: copyHead(head), records: [] });
  }

  async getHead(workspaceId: WorkspaceId): Promise<Head | undefined> {
    const journal = this.#journals.get(workspaceId);
    return journal && copyHead(journal.head);
  }

  async append(workspaceId: WorkspaceId, commit: Parameters<JournalStore['append']>[1]): Promise<AppendResult> {
    checkNextSeq(commit);
    if (this.#requests.has(workspaceId, commit.request.requestId)) return 'request-exists';
    const journal = this.#journals.get(workspaceId);
    if (journal === undefined || !equalHeads(journal.head, commit.expected)) return 'lost-race';
    journal.head = copyHead(commit.next);
    journal.records.push(copyRecord(commit.record));
    this.#requests.set(workspaceId, commit.request.requestId, copyRequest(commit.request));
    return 'appended';
  }

  async recordRequest(workspaceId: WorkspaceId, request: RequestRecord): Promise<'recorded' | 'request-exists'> {
    if (this.#requests.has(workspaceId, request.requestId)) return 'request-exists';
    this.#requests.set(workspaceId, request.requestId, copyRequest(request));
    return 'recorded';
  }

  async getRequest(workspaceId: WorkspaceId, requestId: RequestId): Promise<RequestRecord | undefined> {
    const request = this.#requests.get(workspaceId, requestId);
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
    return this.#requests.sweep((request) => request.expiresMs < nowMs);
  }

  /** Forgets at most `limit` entries, oldest first, and requests; returns how many. The head stays. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    const entries = this.#journals.get(workspaceId)?.records.splice(0, limit).length ?? 0;
    return entries + this.#requests.purge(workspaceId, limit - entries);
  }

  /** The other end of `createHead`. */
  removeHead(workspaceId: WorkspaceId): void {
    this.#journals.delete(workspaceId);
  }
}
