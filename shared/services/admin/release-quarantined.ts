/**
 * Releasing a pack from quarantine: its bytes are judged again, and only good ones go back into `chunks`, create-only, where they are
 * verified and recorded like any upload. A bad pack stays, whoever asks; that is for a verifier that was wrong and has been mended.
 *
 * In this order, so that a crash leaves the blob in one place at least, and the whole may be repeated: put, verify, delete
 * from quarantine, forget the record. What is recorded of the pack says nothing here, since it may be of a blob that is gone: the
 * bytes in `chunks` are read, whatever it says.
 */
import { TidemarkError } from '../../core/errors.ts';
import type { WorkspaceId } from '../../core/ids.ts';
import { packBlobName } from '../pack-name.ts';
import { parseQuarantineName } from '../quarantine/quarantine-name.ts';
import { readPack } from '../read-pack.ts';
import { type VerifyNeeds, verifyPackAnew } from '../verify-pack.ts';

/** `refused`: the bytes are bad still, and `reason` says why. */
export type Release = { readonly status: 'released' } | { readonly status: 'refused'; readonly reason: string };

export interface QuarantinedName {
  readonly workspaceId: WorkspaceId;
  readonly blobName: string;
}

/** Throws `not-found` when no such pack of the workspace is in quarantine; `busy` when `chunks` changed meanwhile. */
export async function releaseQuarantined(deps: VerifyNeeds, input: QuarantinedName): Promise<Release> {
  const { workspaceId, blobName } = input;
  const { packId } = mustParseName(input);
  const reading = await readPack(deps, 'quarantine', blobName, packId);
  if (reading.kind === 'missing') return finishRelease(deps, input);
  if (reading.kind === 'bad') return { status: 'refused', reason: reading.reason };
  const bytes = await deps.blobs.get('quarantine', blobName);
  if (bytes === undefined) throw notInQuarantine();
  await deps.blobs.put('chunks', packBlobName(workspaceId, packId), bytes);
  if ((await verifyPackAnew(deps, { workspaceId, packId })) !== 'verified') {
    throw new TidemarkError('busy', 'another blob was in the place of the pack: release it again', {
      data: { packId },
    });
  }
  await deps.blobs.deleteIfMatch('quarantine', blobName, reading.properties.etag);
  await deps.metadata.quarantine.remove(workspaceId, blobName);
  deps.log.warn({ workspaceId, packId, blobName }, 'an operator released a pack from quarantine');
  return { status: 'released' };
}

/** The last step of a release that broke off: the blob has left quarantine, and only its record is still there. */
async function finishRelease(deps: VerifyNeeds, { workspaceId, blobName }: QuarantinedName): Promise<Release> {
  const { packId } = mustParseName({ workspaceId, blobName });
  const record = await deps.metadata.quarantine.get(workspaceId, blobName);
  if (record === undefined || (await verifyPackAnew(deps, { workspaceId, packId })) !== 'verified')
    throw notInQuarantine();
  await deps.metadata.quarantine.remove(workspaceId, blobName);
  return { status: 'released' };
}

/** Whose pack it is. Throws `not-found` on a name that is none of this workspace's. */
export function mustParseName({
  workspaceId,
  blobName,
}: QuarantinedName): NonNullable<ReturnType<typeof parseQuarantineName>> {
  const named = parseQuarantineName(blobName);
  if (named?.workspaceId !== workspaceId) throw notInQuarantine();
  return named;
}

export function notInQuarantine(): TidemarkError {
  return new TidemarkError('not-found', 'there is no such pack in quarantine');
}
