/** Names of pack blobs in the container `chunks`: `<workspaceId>/<aa>/<bb>/<packId>.blob`, aa and bb the packId's first bytes. */
import { type Digest, type WorkspaceId, parseDigest, parseWorkspaceId } from '../core/ids.ts';

export function packBlobName(workspaceId: WorkspaceId, packId: Digest): string {
  return `${workspaceId}/${packId.slice(0, 2)}/${packId.slice(2, 4)}/${packId}.blob`;
}

const packName = /^([0-9a-f]{32})\/([0-9a-f]{2})\/([0-9a-f]{2})\/([0-9a-f]{64})\.blob$/;

/** Whose pack a blob name is; undefined when it is not the name of a pack. */
export function parsePackBlobName(
  name: string,
): { readonly workspaceId: WorkspaceId; readonly packId: Digest } | undefined {
  const [, workspace, first, second, pack] = packName.exec(name) ?? [];
  if (workspace === undefined || pack === undefined || pack.slice(0, 4) !== `${first}${second}`) return undefined;
  return { workspaceId: parseWorkspaceId(workspace), packId: parseDigest(pack) };
}
