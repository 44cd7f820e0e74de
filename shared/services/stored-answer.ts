/**
 * Idempotency. A commit's answer is stored in the transaction that commits it, under the request id and a hash of the
 * request; so a request that is repeated, whenever and however often, is applied once and answered alike.
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../core/errors.ts';
import { blake3Digest } from '../core/hash/blake3.ts';
import type { Digest, RequestId, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { decodeMsgpack } from '../core/msgpack.ts';
import { type CommitRequest, type CommitResponse, commitRequest, commitResponse } from '../core/wire/commit.ts';
import type { RequestRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { serverTimeMs } from './server-time.ts';

/** The same for a request however it was encoded: over its canonical msgpack. */
export function requestHash(request: CommitRequest): Digest {
  return blake3Digest(encode(commitRequest.toWire(request)));
}

const answerCaps = {
  what: 'a stored answer',
  depthMax: 8,
  valuesMax: limits.commitOperationsMax * (16 + 3 * limits.versionVectorEntriesMax),
};

/** The answer that this request got before. Throws `idempotency-key-reused` when the id was another request's. */
export async function findAnswer(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  requestId: RequestId,
  bodyHash: Digest,
): Promise<CommitResponse | undefined> {
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
  return commitResponse.fromWire(decodeMsgpack(record.answer, answerCaps), '');
}

export function answerRecord(
  deps: Needs<'clock'>,
  requestId: RequestId,
  bodyHash: Digest,
  answer: CommitResponse,
): RequestRecord {
  const expiresMs = serverTimeMs(deps.clock) + limits.requestRecordSeconds * 1_000;
  return { requestId, bodyHash, answer: encode(commitResponse.toWire(answer)).slice(), expiresMs };
}
