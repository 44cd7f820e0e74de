/** Names in the container `quarantine`: the name that the pack had in `chunks`, then `-` and the ETag of the incarnation. */
import type { Digest, WorkspaceId } from '../../core/ids.ts';
import { packBlobName, parsePackBlobName } from '../pack-name.ts';

/** What `moveIfMatch` calls this incarnation of the pack's blob in quarantine. */
export function quarantineName(workspaceId: WorkspaceId, packId: Digest, etag: string): string {
  return `${packBlobName(workspaceId, packId)}-${etag}`;
}

const quarantined = /^(.+\.blob)-([A-Za-z0-9._-]+)$/;

/** Whose pack a name in quarantine is, and of which incarnation; undefined when it is none. */
export function parseQuarantineName(
  name: string,
): { readonly workspaceId: WorkspaceId; readonly packId: Digest; readonly etag: string } | undefined {
  const [, packName, etag] = quarantined.exec(name) ?? [];
  const pack = packName === undefined ? undefined : parsePackBlobName(packName);
  return pack === undefined || etag === undefined ? undefined : { ...pack, etag };
}
