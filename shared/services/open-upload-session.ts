/**
 * Opens an upload: which of some chunks are missing, and which packs to build of them. A pack is a run of consecutive missing
 * chunks, so that chunks of one file lie together; its id follows from its hashes alone, so the same negotiation twice
 * plans the same packs, and whichever upload comes second finds the name taken.
 */
import { TidemarkError } from '../core/errors.ts';
import {
  type Digest,
  type DigestColumn,
  bytesToSessionId,
  columnBytesAt,
  columnDigestAt,
  columnLength,
  digestBytes,
  digestsToColumn,
  idBytes,
  parseDigestColumn,
} from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { merkleRoot } from '../core/merkle/tree.ts';
import type { UploadSessionRequest, UploadSessionResponse } from '../core/wire/upload-session.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise, authoriseDevice } from './authorise.ts';
import { concurrently } from './concurrently.ts';
import type { Needs } from './dependencies.ts';
import { packBlobName } from './pack-name.ts';
import { serverTimeMs } from './server-time.ts';

/** URLs that are signed at once: signing may be a remote call. */
const signWidth = 16;

interface PackPlan {
  readonly packId: Digest;
  readonly first: number;
  readonly count: number;
}

/**
 * @throws TidemarkError `malformed` when a hash comes twice or has no length; `too-large` over `uploadWindowBytes` of chunks, so that the packs
 * of a session, each of which its status and its commit look at, are few; `not-found`, `forbidden` (authorise.ts).
 */
export async function openUploadSession(
  deps: Needs<'metadata' | 'blobs' | 'clock' | 'randomness'>,
  input: { readonly caller: Caller; readonly request: UploadSessionRequest },
): Promise<UploadSessionResponse> {
  const { caller, request } = input;
  const { workspaceId, deviceId, hashes, lengths } = request;
  await authorise(deps, caller, workspaceId, 'write');
  await authoriseDevice(deps, caller, deviceId);
  checkChunks(hashes, lengths);
  const known = await deps.metadata.chunks.lookUp(workspaceId, hashes);
  const missing = lengths.flatMap((_, i) => (known[i] === undefined ? [i] : []));
  const plans = planPacks(hashes, lengths, missing);
  const createdMs = serverTimeMs(deps.clock);
  const sessionId = bytesToSessionId(deps.randomness.bytes(idBytes));
  const expiresMs = createdMs + limits.sessionSeconds * 1_000;
  const packIds = digestsToColumn(plans.map((plan) => plan.packId));
  const { userId } = caller;
  await deps.metadata.sessions.create({
    sessionId,
    workspaceId,
    userId,
    deviceId,
    createdMs,
    expiresMs,
    packs: packIds,
  });
  const packs = await concurrently(plans, signWidth, async (plan) => {
    const name = packBlobName(workspaceId, plan.packId);
    return { ...plan, url: await deps.blobs.createUrl('chunks', name, limits.uploadUrlSeconds) };
  });
  return { sessionId, expiresMs, missing, packs };
}

function checkChunks(hashes: DigestColumn, lengths: readonly number[]): void {
  const count = columnLength(hashes);
  if (lengths.length !== count) {
    throw new TidemarkError('malformed', 'there must be one length for each hash', {
      data: { hashes: count, lengths: lengths.length },
    });
  }
  const { uploadWindowBytes } = limits;
  if (lengths.reduce((sum, length) => sum + length, 0) > uploadWindowBytes) {
    throw new TidemarkError('too-large', `one upload is of at most ${uploadWindowBytes} bytes of chunks`, {
      data: { uploadWindowBytes },
    });
  }
  const seen = new Set<Digest>();
  for (let i = 0; i < count; i++) seen.add(columnDigestAt(hashes, i));
  if (seen.size !== count) throw new TidemarkError('malformed', 'a hash comes twice', { data: { field: 'hashes' } });
}

/** Packs of consecutive missing chunks, each as full as the limits allow. Stored bytes are never more than plain bytes. */
function planPacks(hashes: DigestColumn, lengths: readonly number[], missing: readonly number[]): PackPlan[] {
  const plans: PackPlan[] = [];
  let first = 0;
  let bytes = 0;
  const close = (end: number): void => {
    if (end > first) plans.push({ packId: packIdOf(hashes, missing.slice(first, end)), first, count: end - first });
    first = end;
    bytes = 0;
  };
  for (const [at, chunk] of missing.entries()) {
    const length = lengths[chunk]!;
    if (bytes + length > limits.packBytesMax || at - first === limits.packChunksMax) close(at);
    bytes += length;
  }
  close(missing.length);
  return plans;
}

function packIdOf(hashes: DigestColumn, chunks: readonly number[]): Digest {
  const column = new Uint8Array(chunks.length * digestBytes);
  for (const [i, chunk] of chunks.entries()) column.set(columnBytesAt(hashes, chunk), i * digestBytes);
  return merkleRoot(parseDigestColumn(column));
}
