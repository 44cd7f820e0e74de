/**
 * Verifies one pack that somebody uploaded: every byte is decoded and hashed before the chunk index hears of it. Called by
 * the blob event and, when that was lost or is late, by the commit that needs the pack; it may run any number of times, at
 * once too.
 *
 * Names under `chunks` are create-only, so a name's bytes change only when an incarnation is moved away or deleted. All that
 * is done here is tied to the incarnation that was read, by its ETag:
 *
 *   bad bytes    that incarnation alone is moved to quarantine (quarantine/quarantine-pack.ts). An old verification that ends
 *                late, when good bytes have been uploaded under the name meanwhile, finds another ETag and moves nothing
 *   good bytes   recorded only if the incarnation is still there. Two runs that read the same incarnation cannot disagree,
 *                so nothing that is good can be moved away between that look and the record; the record names the ETag, so
 *                that a repair can tell when storage itself lost it
 */
import { type Digest, type WorkspaceId, digestsToColumn } from '../core/ids.ts';
import type { Needs } from './dependencies.ts';
import { packBlobName } from './pack-name.ts';
import { quarantinePack } from './quarantine/quarantine-pack.ts';
import { readPack } from './read-pack.ts';
import { serverTimeMs } from './server-time.ts';

/** `changed`: the blob was replaced while it was read; asking again decides about the new one. */
export type PackVerification = 'verified' | 'rejected' | 'missing' | 'changed';

export type VerifyNeeds = Needs<'blobs' | 'metadata' | 'queue' | 'codecs' | 'clock' | 'log'>;

export interface NamedPack {
  readonly workspaceId: WorkspaceId;
  readonly packId: Digest;
}

/** Throws what the stores throw (`unavailable` and the like): nothing is decided then. */
export async function verifyPack(deps: VerifyNeeds, input: NamedPack): Promise<PackVerification> {
  const [recorded] = await deps.metadata.chunks.hasPacks(input.workspaceId, digestsToColumn([input.packId]));
  return recorded === true ? 'verified' : verifyPackAnew(deps, input);
}

/** As `verifyPack`, but reads the bytes that are there now whatever is recorded of the pack; good ones renew its record. */
export async function verifyPackAnew(deps: VerifyNeeds, input: NamedPack): Promise<PackVerification> {
  const { workspaceId, packId } = input;
  const name = packBlobName(workspaceId, packId);
  const reading = await readPack(deps, 'chunks', name, packId);
  if (reading.kind === 'missing') return 'missing';
  const { properties } = reading;
  if (reading.kind === 'bad') {
    const moved = await quarantinePack(deps, { workspaceId, packId, properties, reason: reading.reason });
    return moved === 'moved' ? 'rejected' : 'changed';
  }
  const now = await deps.blobs.head('chunks', name);
  if (now?.etag !== properties.etag) return 'changed';
  const { storedBytes, hashes, places } = reading.contents;
  await deps.metadata.chunks.record(
    workspaceId,
    { packId, storedBytes, etag: properties.etag, hashes, places },
    serverTimeMs(deps.clock),
  );
  deps.log.debug({ workspaceId, packId, chunks: places.length, storedBytes }, 'verified a pack');
  return 'verified';
}
