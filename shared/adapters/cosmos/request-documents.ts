/**
 * Answers to commits, kept for replays. A small one is in the request's own document. A larger one is cut into parts that are
 * stored before and named by the answer's hash, so that two answers that were computed for one request never mix.
 */
import { concatBytes } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { blake3Digest } from '../../core/hash/blake3.ts';
import { type RequestId, type WorkspaceId, parseDigest, parseRequestId } from '../../core/ids.ts';
import type { RequestRecord } from '../../ports/metadata-store.ts';
import { bytesOf, bytesToText, integerOf, textOf, ttlOf } from './document.ts';
import { forEach, upsertMany } from './many.ts';
import type { Document, Table } from './table.ts';

/** With an entry of the same size it fits the one batch of a commit, base64 and all. */
const inlineBytesMax = 256 * 1024;
const partBytesMax = 1024 * 1024;

export const requestPrefix = 'request-';

function partIds(requestId: string, hash: string, parts: number): string[] {
  return Array.from({ length: parts }, (_, i) => `answer-${requestId}-${hash}-${i}`);
}

/** The request's document, once the parts of its answer are stored. */
export async function prepareRequest(
  table: Table,
  workspaceId: WorkspaceId,
  request: RequestRecord,
  nowMs: number,
): Promise<Document> {
  const { requestId, bodyHash, answer, expiresMs } = request;
  const times = { expiresMs, ttl: ttlOf(expiresMs, nowMs) };
  const plain = { pk: workspaceId, id: `${requestPrefix}${requestId}`, requestId, bodyHash, ...times };
  if (answer.length <= inlineBytesMax) return { ...plain, v: bytesToText(answer) };
  const hash = blake3Digest(answer);
  const ids = partIds(requestId, hash, Math.ceil(answer.length / partBytesMax));
  const parts = ids.map((id, i) => {
    const v = bytesToText(answer.subarray(i * partBytesMax, (i + 1) * partBytesMax));
    return { pk: workspaceId, id, v, ...times };
  });
  await upsertMany(table, parts);
  return { ...plain, hash, parts: parts.length };
}

export async function readRequest(
  table: Table,
  workspaceId: WorkspaceId,
  requestId: RequestId,
): Promise<RequestRecord | undefined> {
  const found = await table.read(workspaceId, `${requestPrefix}${requestId}`);
  if (found === undefined) return undefined;
  const { fields } = found;
  const plain = {
    requestId: parseRequestId(textOf(fields, 'requestId')),
    bodyHash: parseDigest(textOf(fields, 'bodyHash')),
    expiresMs: integerOf(fields, 'expiresMs'),
  };
  if ('v' in fields) return { ...plain, answer: bytesOf(fields, 'v') };
  const ids = partIds(requestId, textOf(fields, 'hash'), integerOf(fields, 'parts'));
  const parts = await forEach(ids, (id) => table.read(workspaceId, id));
  if (parts.includes(undefined)) throw new TidemarkError('corrupt', 'an answer in the metadata lacks a part');
  return { ...plain, answer: concatBytes(...parts.map((part) => bytesOf(part!.fields, 'v'))) };
}
