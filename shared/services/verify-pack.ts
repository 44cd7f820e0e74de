/**
 * Verifies one pack that somebody uploaded: every byte is decoded and hashed before the chunk index hears of it. Called by
 * the blob event and, when that was lost or is late, by the commit that needs the pack; it may run any number of times, at
 * once too.
 *
 * Names under `chunks` are create-only, so a name's bytes change only when an incarnation is moved away or deleted. All that
 * is done here is tied to the incarnation that was read, by its ETag:
 *
 *   bad bytes    that incarnation alone is moved to quarantine. An old verification that ends late, when good bytes have been
 *                uploaded under the name meanwhile, finds another ETag and moves nothing
 *   good bytes   recorded only if the incarnation is still there. Two runs that read the same incarnation cannot disagree,
 *                so nothing that is good can be moved away between that look and the record; the record names the ETag, so
 *                that a repair can tell when storage itself lost it
 */
import { TidemarkError, isTidemarkError } from '../core/errors.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../core/ids.ts';
import { type VerifiedPackContents, verifyPackStream } from '../core/pack/pack-reader.ts';
import type { BlobProperties } from '../ports/blob-store.ts';
import type { Needs } from './dependencies.ts';
import { packBlobName } from './pack-name.ts';
import { serverTimeMs } from './server-time.ts';

/** `changed`: the blob was replaced while it was read; asking again decides about the new one. */
export type PackVerification = 'verified' | 'rejected' | 'missing' | 'changed';

/** What bytes can be guilty of. Anything else is a failure of ours, and says nothing about the pack. */
const badBytes: ReadonlySet<string> = new Set(['corrupt', 'malformed', 'too-large', 'unsupported']);

/** Throws what the stores throw (`unavailable` and the like): nothing is decided then. */
export async function verifyPack(
  deps: Needs<'blobs' | 'metadata' | 'codecs' | 'clock' | 'log'>,
  input: { readonly workspaceId: WorkspaceId; readonly packId: Digest },
): Promise<PackVerification> {
  const { workspaceId, packId } = input;
  const [recorded] = await deps.metadata.chunks.hasPacks(workspaceId, digestsToColumn([packId]));
  if (recorded === true) return 'verified';
  const name = packBlobName(workspaceId, packId);
  const blob = await deps.blobs.open('chunks', name);
  if (blob === undefined) return 'missing';
  const { etag } = blob.properties;
  let contents: VerifiedPackContents;
  try {
    contents = await verifyPackStream(wholeOrError(blob), blob.properties.length, deps.codecs, packId);
  } catch (error) {
    if (!isTidemarkError(error) || !badBytes.has(error.code)) throw error;
    const moved = await deps.blobs.moveIfMatch('chunks', name, etag, 'quarantine');
    deps.log.warn({ workspaceId, packId, etag, moved, why: error.message }, 'a pack is not what its name says');
    return moved === 'moved' ? 'rejected' : 'changed';
  }
  const now = await deps.blobs.head('chunks', name);
  if (now?.etag !== etag) return 'changed';
  const { storedBytes, hashes, places } = contents;
  await deps.metadata.chunks.record(
    workspaceId,
    { packId, storedBytes, etag, hashes, places },
    serverTimeMs(deps.clock),
  );
  deps.log.debug({ workspaceId, packId, chunks: places.length, storedBytes }, 'verified a pack');
  return 'verified';
}

/** The pieces of a blob. A stream that fails or ends early is a failed read (`unavailable`), whatever it calls itself, not a bad pack. */
async function* wholeOrError(blob: {
  readonly properties: BlobProperties;
  readonly pieces: AsyncIterable<Uint8Array>;
}): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const pieces = blob.pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pieces.next().catch((cause: unknown) => {
        throw new TidemarkError('unavailable', 'a blob could not be read', { cause });
      });
      if (next.done === true) break;
      bytes += next.value.length;
      yield next.value;
    }
  } finally {
    await pieces.return?.();
  }
  if (bytes < blob.properties.length) throw new TidemarkError('unavailable', 'a blob could not be read to its end');
}
