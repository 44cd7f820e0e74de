/**
 * Sending operations: upload what they need, write the commit down (outbox), send it, work its answer in. A commit that is
 * written down is sent until it is answered, also by the next run of the agent, always under the same id with the same bytes.
 *
 * A workspace whose policy is `merge` asks the author of an edit that met an edit to merge: `unmerged` (merge-edits.ts). If the agent
 * stops in between, the edit is still a local difference, and the next sync is asked again.
 */
import { decode, encode } from '@msgpack/msgpack';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, type NodeId, type SessionId, bytesToRequestId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type CommitRequest, commitRequest } from '../../../shared/core/wire/commit.ts';
import type { Operation, PutOperation } from '../../../shared/core/wire/operation.ts';
import type { OutboxRecord } from '../journal/outbox-table.ts';
import { noStat } from '../journal/rows.ts';
import type { Problem } from '../ports.ts';
import { cutBatch, manifestsOf, putsOf, uploadsOf } from './commit-content.ts';
import { digestAnswer } from './digest.ts';
import type { SyncRun } from './sync-run.ts';

/**
 * `committed`: answered and worked in; after it, `moved` of its operations will be planned otherwise or not at all. `nothing`:
 * all of them wait for files that changed. `stale`: a consistency-first workspace has moved on; pull and plan again.
 */
export type CommitResult =
  | { readonly state: 'committed'; readonly moved: number; readonly unmerged: readonly PutOperation[] }
  | { readonly state: 'nothing' }
  | { readonly state: 'stale' };

/** Refusals of a whole commit after which nothing of it was done and the same bytes would be refused again. */
const finalCodes: ReadonlySet<string> = new Set([
  'malformed',
  'too-large',
  'unsupported',
  'forbidden',
  'not-found',
  'conflict',
  'missing-chunks',
  'quota-exceeded',
  'stale-base',
  'idempotency-key-missing',
  'idempotency-key-reused',
]);

/**
 * Uploads and commits the first of some operations: as many as one commit carries.
 * @param read puts of the same contents by whose nodes the files are found that hold them; by default the operations themselves.
 */
export async function commitOperations(
  run: SyncRun,
  operations: readonly Operation[],
  read: readonly Operation[] = operations,
): Promise<CommitResult> {
  const batch = cutBatch(run.needs.journal, operations);
  const files = read === operations ? batch : read;
  try {
    return await attempt(
      run,
      batch,
      files,
      remembered((content) => run.needs.journal.listings.isRemoteContent(content)),
    );
  } catch (error) {
    if (!isTidemarkError(error, 'missing-chunks')) throw error;
    run.needs.log.warn({ operations: batch.length }, 'the workspace lacks content that it had; sending it again');
  }
  try {
    return await attempt(run, batch, files, () => false);
  } catch (error) {
    if (isTidemarkError(error, 'missing-chunks')) readAgain(run, files);
    throw error;
  }
}

/** Asked again and again within one commit, during which nothing changes the answer. */
function remembered(proven: (content: Digest) => boolean): (content: Digest) => boolean {
  const answers = new Map<Digest, boolean>();
  return (content) => {
    const known = answers.get(content);
    if (known !== undefined) return known;
    const answer = proven(content);
    answers.set(content, answer);
    return answer;
  };
}

async function attempt(
  run: SyncRun,
  batch: readonly Operation[],
  read: readonly Operation[],
  proven: (content: Digest) => boolean,
): Promise<CommitResult> {
  const { journal } = run.needs;
  const { sessions, changed } = await upload(run, read, proven);
  const sent = batch.filter((operation) => operation.kind !== 'put' || !changed.has(operation.content));
  if (changed.size > 0) run.rescan = true;
  if (sent.length === 0) return { state: 'nothing' };
  const { workspaceId, deviceId } = run.identity;
  const content = manifestsOf(journal, sent, proven);
  const request: CommitRequest = { workspaceId, deviceId, sessions, ...content, operations: sent };
  const answered = await writeAndSend(run, request);
  return answered === 'stale' ? { state: 'stale' } : { state: 'committed', ...answered };
}

function writeAndSend(run: SyncRun, request: CommitRequest): Promise<Answered | 'stale'> {
  const requestId = bytesToRequestId(run.needs.randomness.bytes(16));
  const body = encode(commitRequest.toWire(request)).slice();
  return send(run, run.needs.journal.outbox.append(requestId, body), request);
}

async function upload(
  run: SyncRun,
  batch: readonly Operation[],
  proven: (content: Digest) => boolean,
): Promise<{ readonly sessions: readonly SessionId[]; readonly changed: ReadonlySet<Digest> }> {
  const { journal, transfer } = run.needs;
  const files = uploadsOf(journal, batch, proven);
  if (files.length === 0) return { sessions: [], changed: new Set() };
  run.enter({ name: 'uploading', files: files.length });
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  run.progress({ done: 0, total: files.length, bytes: 0 });
  const { sessions, changed } = await transfer.upload(files, proven, run.signal);
  run.progress({ done: files.length, total: files.length, bytes });
  if (sessions.length > limits.commitSessionsMax) {
    throw new TidemarkError('internal', 'the upload of one commit took too many sessions', {
      data: { sessions: sessions.length },
    });
  }
  return { sessions, changed };
}

/** What a commit's answer leaves to be done. */
interface Answered {
  /** Operations that are not to be planned again as they are. */
  readonly moved: number;
  /** Edits that their author was asked to merge. */
  readonly unmerged: readonly PutOperation[];
}

/** What the answer leaves, or that the base was stale. The outbox is empty of the record when this returns. */
async function send(run: SyncRun, record: OutboxRecord, request: CommitRequest): Promise<Answered | 'stale'> {
  const { journal, api } = run.needs;
  run.enter({ name: 'committing', operations: request.operations.length });
  run.progress({ done: 0, total: request.operations.length, bytes: 0 });
  let response;
  try {
    response = await api.commit(request, record.requestId, run.signal);
  } catch (error) {
    if (isTidemarkError(error) && finalCodes.has(error.code)) journal.outbox.remove(record.id);
    if (isTidemarkError(error, 'stale-base')) return 'stale';
    throw error;
  }
  if (response.outcomes.length !== request.operations.length) {
    throw new TidemarkError('unavailable', 'the answer to a commit is not of its form');
  }
  run.noteCommitted();
  const digested = journal.transaction(() => {
    journal.outbox.remove(record.id);
    const ids = request.operations.map(({ nodeId }) => nodeId);
    return journal.trees.batch(ids, () => digestAnswer(journal, request, response));
  });
  run.tally.operations += digested.taken;
  run.tally.conflicts += digested.conflicts;
  for (const nodeId of digested.stuck) {
    run.fail(nodeId, { path: pathOf(run, nodeId), code: 'blocked', detail: 'the same file is elsewhere here' }, 5);
  }
  const unmerged = digested.refused.flatMap(({ operation, outcome }) =>
    outcome.reason === 'needs-merge' && operation.kind === 'put' ? [operation] : [],
  );
  const refused = digested.refused.filter(({ outcome }) => outcome.reason !== 'needs-merge');
  for (const { operation, outcome } of refused) noteRefusal(run, operation, outcome.reason ?? 'refused');
  run.progress({ done: request.operations.length, total: request.operations.length, bytes: 0 });
  const again = refused.filter(({ outcome }) => !passing.has(outcome.reason ?? ''));
  return { moved: request.operations.length - again.length - unmerged.length, unmerged };
}

/** Whether the user may read the workspace and not change it. */
export function isRoleRefusal(error: unknown): error is TidemarkError {
  return isTidemarkError(error, 'forbidden') && typeof error.data['role'] === 'string';
}

/** What a reader changed stays here and is listed; that is no reason not to receive what others do. */
export function keepUnsent(run: SyncRun, operations: readonly Operation[], { data }: TidemarkError): void {
  const role = String(data['role']);
  const detail = `it stays here: the role ${role} may not change the workspace; an owner can give you another, or move it elsewhere`;
  for (const { nodeId } of operations) run.fail(nodeId, { path: pathOf(run, nodeId), code: 'blocked', detail }, 1);
}

/** Refusals that a newer state does not change, and those that the next plan, on the newest state, takes care of. */
const hopeless: ReadonlySet<string> = new Set(['bad-name', 'too-deep']);
const passing: ReadonlySet<string> = new Set(['cycle', 'gone', 'missing-parent']);

function noteRefusal(run: SyncRun, { nodeId }: Operation, reason: string): void {
  const code = hopeless.has(reason) ? 'name' : 'blocked';
  const problem: Problem = { path: pathOf(run, nodeId), code, detail: `the server refuses it: ${reason}` };
  run.fail(nodeId, problem, hopeless.has(reason) ? 1 : passing.has(reason) ? 5 : 2);
}

function pathOf({ needs: { journal } }: SyncRun, nodeId: NodeId): string {
  const node = journal.trees.getLocal(nodeId);
  return (node === undefined ? undefined : journal.localPath(node)) ?? nodeId;
}

/** The chunks of these files are neither on the server nor known here: the next scan reads them anew. */
function readAgain({ needs: { journal } }: SyncRun, batch: readonly Operation[]): void {
  journal.transaction(() => {
    for (const { nodeId } of putsOf(batch)) {
      const node = journal.trees.getLocal(nodeId);
      if (node !== undefined) journal.trees.setLocal(nodeId, { ...node, stat: { ...noStat, mode: node.stat.mode } });
    }
  });
}

/** Sends again what a run before this one wrote down and never saw answered. */
export async function resendOutbox(run: SyncRun): Promise<void> {
  const { outbox } = run.needs.journal;
  for (let record = outbox.first(); record !== undefined; record = outbox.first()) {
    const request = commitRequest.fromWire(decode(record.body), 'outbox');
    try {
      await send(run, record, request);
    } catch (error) {
      // What was refused for good is out of the outbox; it is planned again on the newest state.
      if (!isTidemarkError(error) || !finalCodes.has(error.code)) throw error;
      if (error.code === 'forbidden' && !isRoleRefusal(error)) throw error;
    }
  }
}
