/**
 * Idempotency. A commit's answer is stored in the transaction that commits it, under the request id and a hash of the
 * request; so a request that is repeated, whenever and however often, is applied once and answered alike. One workspace has one
 * room of request ids, whatever the requests are: the hash keeps their kinds apart too.
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../core/errors.ts';
import { blake3Digest } from '../core/hash/blake3.ts';
import type { Digest, RequestId, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { decodeMsgpack } from '../core/msgpack.ts';
import { type CommitRequest, type CommitResponse, commitRequest, commitResponse } from '../core/wire/commit.ts';
import type { Schema } from '../core/wire/schema.ts';
import type { RequestRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { serverTimeMs } from './server-time.ts';

/** A request under its id, and the form of its answer. */
export interface AnsweredRequest<Answer> {
  readonly requestId: RequestId;
  /** The same for a request however it was encoded. */
  readonly bodyHash: Digest;
  readonly response: Schema<Answer>;
}

/** Over its canonical msgpack. */
export function answeredCommit(requestId: RequestId, request: CommitRequest): AnsweredRequest<CommitResponse> {
  return { requestId, bodyHash: blake3Digest(encode(commitRequest.toWire(request))), response: commitResponse };
}

const answerCaps = {
  what: 'a stored answer',
  depthMax: 8,
  valuesMax: limits.commitOperationsMax * (16 + 3 * limits.versionVectorEntriesMax),
};

/** The answer that this request got before. Throws `idempotency-key-reused` when the id was another request's. */
export async function findAnswer<Answer>(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  { requestId, bodyHash, response }: AnsweredRequest<Answer>,
): Promise<Answer | undefined> {
  const record = await deps.metadata.journal.getRequest(workspaceId, requestId);
  if (record === undefined) return undefined;
  if (record.bodyHash !== bodyHash) {
    throw new TidemarkError(
      'idempotency-key-reused',
      'this Idempotency-Key belongs to another request: use a new one',
      {
        data: { requestId },
      },
    );
  }
  return response.fromWire(decodeMsgpack(record.answer, answerCaps), '');
}

export function answerRecord<Answer>(
  deps: Needs<'clock'>,
  { requestId, bodyHash, response }: AnsweredRequest<Answer>,
  answer: Answer,
): RequestRecord {
  const expiresMs = serverTimeMs(deps.clock) + limits.requestRecordSeconds * 1_000;
  return { requestId, bodyHash, answer: encode(response.toWire(answer)).slice(), expiresMs };
}
