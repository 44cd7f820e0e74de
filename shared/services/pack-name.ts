/**
 * Names of pack blobs. In the container `chunks`: `<workspaceId>/<aa>/<bb>/<packId>.blob`, aa and bb the packId's first bytes.
 * In `staging`: `<workspaceId>/<sessionId>/<packId>`, so that two sessions never touch each other's blocks.
 */
import {
  type Digest,
  type SessionId,
  type WorkspaceId,
  parseDigest,
  parseSessionId,
  parseWorkspaceId,
} from '../core/ids.ts';

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

export interface StagedPack {
  readonly workspaceId: WorkspaceId;
  readonly sessionId: SessionId;
  readonly packId: Digest;
}

export function stagedPackName({ workspaceId, sessionId, packId }: StagedPack): string {
  return `${workspaceId}/${sessionId}/${packId}`;
}

const stagedName = /^([0-9a-f]{32})\/([0-9a-f]{32})\/([0-9a-f]{64})$/;

/** Undefined when it is not the name of a staged pack. */
export function parseStagedPackName(name: string): StagedPack | undefined {
  const [, workspace, session, pack] = stagedName.exec(name) ?? [];
  if (workspace === undefined || session === undefined || pack === undefined) return undefined;
  return {
    workspaceId: parseWorkspaceId(workspace),
    sessionId: parseSessionId(session),
    packId: parseDigest(pack),
  };
}
