/** Heads, journals and requests. One transactional batch makes a commit: the head under its ETag, the entry, the request. */
import { equalBytes } from '../../core/bytes.ts';
import { TidemarkError, isTidemarkError } from '../../core/errors.ts';
import type { WorkspaceId } from '../../core/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AppendResult, Head, JournalStore, RequestRecord } from '../../ports/metadata-store.ts';
import { checkNextSeq, equalHeads } from '../journal-append.ts';
import { sweepExpired } from './expired.ts';
import { fieldsToHead, headId, headToDocument } from './head-document.ts';
import { type ArchivePolicy, archiveEntries, listEntries, recordToDocument } from './journal-archive.ts';
import { prepareRequest, readRequest, requestPrefix } from './request-documents.ts';
import type { Operation } from './table.ts';
import type { Tables } from './tables.ts';

type Commit = Parameters<JournalStore['append']>[1];

interface KnownHead {
  readonly head: Head;
  readonly etag: string;
}

export function createCosmosJournalStore(tables: Tables, clock: Clock, policy: ArchivePolicy): JournalStore {
  const { workspaces, attempt } = tables;
  /** ETags of heads that were given out: a commit on one of them reads it no second time. */
  const etags = new WeakMap<Head, string>();

  async function findHead(workspaceId: WorkspaceId): Promise<KnownHead | undefined> {
    const found = await workspaces.read(workspaceId, headId);
    if (found === undefined) return undefined;
    const known = { head: fieldsToHead(found.fields), etag: found.etag };
    etags.set(known.head, known.etag);
    return known;
  }

  async function hasRequest(workspaceId: WorkspaceId, { requestId }: RequestRecord): Promise<boolean> {
    return (await workspaces.read(workspaceId, `${requestPrefix}${requestId}`)) !== undefined;
  }

  async function lost(workspaceId: WorkspaceId, request: RequestRecord): Promise<AppendResult> {
    return (await hasRequest(workspaceId, request)) ? 'request-exists' : 'lost-race';
  }

  /** The request decides first: its id is taken, whatever the head. */
  async function sendBatch(workspaceId: WorkspaceId, commit: Commit, operations: readonly Operation[]) {
    const statuses = await workspaces.batch(workspaceId, operations);
    if (statuses.every((status) => status < 300)) return 'appended';
    const isRace = statuses.some((status) => status === 409 || status === 412 || status === 404);
    if (!isRace) throw new TidemarkError('internal', 'the metadata store refused a commit');
    return lost(workspaceId, commit.request);
  }

  /** Whether an answer that was lost on its way was that of this very commit. */
  async function wasAppended(workspaceId: WorkspaceId, { record, request }: Commit): Promise<boolean> {
    const stored = await readRequest(workspaces, workspaceId, request.requestId);
    if (stored === undefined || stored.bodyHash !== request.bodyHash) return false;
    if (!equalBytes(stored.answer, request.answer)) return false;
    const [entry] = await listEntries(tables, workspaceId, record.seq - 1, 1, 0);
    return entry !== undefined && equalBytes(entry.entry, record.entry);
  }

  async function append(workspaceId: WorkspaceId, commit: Commit): Promise<AppendResult> {
    checkNextSeq(commit);
    const { expected, next, record, request } = commit;
    let etag = etags.get(expected);
    if (etag === undefined) {
      const known = await findHead(workspaceId);
      if (known === undefined || !equalHeads(known.head, expected)) return lost(workspaceId, request);
      etag = known.etag;
    }
    const operations: Operation[] = [
      { kind: 'create', document: await prepareRequest(workspaces, workspaceId, request, clock.now()) },
      { kind: 'replace', document: headToDocument(workspaceId, next), etag },
      { kind: 'create', document: recordToDocument(workspaceId, record) },
    ];
    try {
      return await sendBatch(workspaceId, commit, operations);
    } catch (error) {
      if (!isTidemarkError(error, 'unavailable')) throw error;
      // Done or not? The request tells. If it is not there, the same batch may be sent again: it can be done only once.
      if (await wasAppended(workspaceId, commit)) return 'appended';
      const result = await sendBatch(workspaceId, commit, operations);
      if (result !== 'appended' && (await wasAppended(workspaceId, commit))) return 'appended';
      return result;
    }
  }

  /** Never fails the commit that it follows: what is not moved now is moved later. */
  async function archiveAfter(workspaceId: WorkspaceId, seq: number): Promise<void> {
    if (seq % policy.every !== 0 || seq <= policy.keep) return;
    try {
      await archiveEntries(tables, workspaceId, seq - policy.keep);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
    }
  }

  return {
    getHead: (workspaceId) => attempt(async () => (await findHead(workspaceId))?.head),
    append: (workspaceId, commit) =>
      attempt(async () => {
        const result = await append(workspaceId, commit);
        if (result === 'appended') await archiveAfter(workspaceId, commit.next.seq);
        return result;
      }),
    recordRequest: (workspaceId, request) =>
      attempt(async () => {
        const document = await prepareRequest(workspaces, workspaceId, request, clock.now());
        return (await workspaces.create(document)) === 'created' ? 'recorded' : 'request-exists';
      }),
    getRequest: (workspaceId, requestId) => attempt(() => readRequest(workspaces, workspaceId, requestId)),
    list: (workspaceId, afterSeq, limit, bytesMax) =>
      attempt(() => listEntries(tables, workspaceId, afterSeq, limit, bytesMax)),
    sweepRequests: (nowMs) => attempt(() => sweepExpired(workspaces, nowMs, (id) => id.startsWith(requestPrefix))),
  };
}
