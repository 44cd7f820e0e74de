/**
 * Taking one incarnation of a bad pack out of `chunks`. Three steps, and a crash may fall between any two of them:
 *
 *   1  record    metadata.quarantine: which blob it will be in quarantine (its name follows from the ETag), and why
 *   2  message   queue `quarantine`, for whoever reports it (report-quarantined.ts)
 *   3  move      from `chunks` to `quarantine`. This is what counts: the blob is bad until here and out of the way from here
 *
 * The move comes last, because the blob in `chunks` is the only thing that makes anybody look again. Were it moved first, a
 * crash behind it would leave a blob in quarantine that no run finds, since every run starts from `chunks`. As it is:
 *
 *   crash before 1   nothing has happened; the next verification (event, commit, change feed) finds the same bad bytes
 *   crash before 2   a record of a blob that is not in quarantine yet; the next verification records it again, which changes
 *                    nothing, sends the message and moves
 *   crash before 3   the message is there: its receiver does not find the blob in quarantine, finds it in `chunks`, and lets
 *                    it be verified again, bytes and all, which moves it. Nobody believes a message
 *   crash after 3    done
 *
 * Nothing is lost by any of these, and what happens twice is harmless: a record is named by its blob, a second message finds
 * what the first one found, and a second move finds that incarnation gone. What a crash can leave is a record whose blob was
 * deleted by somebody else before the move; the receiver of the message takes it away.
 */
import type { Digest, WorkspaceId } from '../../core/ids.ts';
import type { BlobProperties } from '../../ports/blob-store.ts';
import type { Needs } from '../dependencies.ts';
import { packBlobName } from '../pack-name.ts';
import { serverTimeMs } from '../server-time.ts';
import { encodeQuarantineMessage, reasonMax } from './quarantine-message.ts';
import { quarantineName } from './quarantine-name.ts';

export interface BadPack {
  readonly workspaceId: WorkspaceId;
  readonly packId: Digest;
  /** Of the incarnation in `chunks` whose bytes were read and found to be bad. */
  readonly properties: BlobProperties;
  /** What is wrong with them: one sentence, without bytes or URLs. */
  readonly reason: string;
}

/** 'changed' when that incarnation had gone before it could be moved: moved by another run, replaced or deleted. */
export async function quarantinePack(
  deps: Needs<'blobs' | 'metadata' | 'queue' | 'clock' | 'log'>,
  bad: BadPack,
): Promise<'moved' | 'changed'> {
  const { workspaceId, packId, properties } = bad;
  const { etag, length } = properties;
  const record = {
    workspaceId,
    packId,
    blobName: quarantineName(workspaceId, packId, etag),
    reason: bad.reason.slice(0, reasonMax) || 'unknown',
    storedBytes: length,
    foundMs: serverTimeMs(deps.clock),
  };
  await deps.metadata.quarantine.record(record);
  await deps.queue.send('quarantine', encodeQuarantineMessage(record));
  const moved = await deps.blobs.moveIfMatch('chunks', packBlobName(workspaceId, packId), etag, 'quarantine');
  deps.log.warn({ workspaceId, packId, etag, moved, why: bad.reason }, 'a pack is not what its name says');
  return moved;
}
