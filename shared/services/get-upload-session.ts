/**
 * What became of the packs of one upload session, and where to put what is still to come: for a client that resumes, whether its
 * first upload broke off, its URLs expired, or it was started anew.
 */
import { bytesToHex } from '../core/bytes.ts';
import { TidemarkError } from '../core/errors.ts';
import {
  type Digest,
  type SessionId,
  type WorkspaceId,
  columnToDigests,
  digestBytes,
  parseDigest,
} from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { PackState, PackStatus, UploadSessionStatus } from '../core/wire/upload-status.ts';
import type { StagedBlock } from '../ports/blob-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise, authoriseDevice } from './authorise.ts';
import { concurrently } from './concurrently.ts';
import type { Needs } from './dependencies.ts';
import { packBlobName, stagedPackName } from './pack-name.ts';
import { serverTimeMs } from './server-time.ts';

/** Packs that are looked at at once; each takes up to three requests to storage. */
const lookWidth = 16;

type StatusNeeds = Needs<'metadata' | 'blobs' | 'clock'>;

export interface SessionInput {
  readonly caller: Caller;
  readonly workspaceId: WorkspaceId;
  readonly sessionId: SessionId;
  /** Whether URLs are to be for staged uploads. */
  readonly staged: boolean;
}

/**
 * @throws TidemarkError `not-found` for a session that is unknown, expired or another user's, which are not told apart;
 * `revoked` for one whose device was revoked since; `forbidden` (authorise.ts).
 */
export async function getUploadSession(deps: StatusNeeds, input: SessionInput): Promise<UploadSessionStatus> {
  const { caller, workspaceId, sessionId } = input;
  await authorise(deps, caller, workspaceId, 'write');
  const session = await deps.metadata.sessions.get(workspaceId, sessionId, serverTimeMs(deps.clock));
  if (session?.userId !== caller.userId)
    throw new TidemarkError('not-found', 'there is no such upload session of yours');
  await authoriseDevice(deps, caller, session.deviceId);
  const packIds = columnToDigests(session.packs);
  const [verified, foundMs] = await Promise.all([
    deps.metadata.chunks.hasPacks(workspaceId, session.packs),
    deps.metadata.quarantine.foundMs(workspaceId, packIds),
  ]);
  const packs = await concurrently(packIds, lookWidth, async (packId, i) => {
    if (verified[i] === true) return { packId, state: 'verified' as const, url: null, blocks: [] };
    const found = foundMs[i];
    return packToStatus(deps, input, packId, found !== undefined && found >= session.createdMs);
  });
  return { sessionId, workspaceId, expiresMs: session.expiresMs, packs };
}

/**
 * A whole blob says more than what quarantine remembers: it was put there after its predecessor was moved away. A pack that is
 * verified while it is looked at may be seen as missing; putting it again finds that it exists.
 */
async function packToStatus(
  deps: StatusNeeds,
  input: SessionInput,
  packId: Digest,
  wasRejected: boolean,
): Promise<PackStatus> {
  const { workspaceId, sessionId } = input;
  const name = packBlobName(workspaceId, packId);
  const stagedName = stagedPackName({ workspaceId, sessionId, packId });
  const [whole, staged] = await Promise.all([deps.blobs.head('chunks', name), deps.blobs.staged(stagedName)]);
  if (whole !== undefined || staged?.committed !== undefined)
    return { packId, state: 'uploaded', url: null, blocks: [] };
  const blocks = (staged?.uncommitted ?? []).filter(isOurs).slice(0, limits.packChunksMax).map(toStagedBlock);
  const state: PackState = blocks.length > 0 ? 'staged' : wasRejected ? 'rejected' : 'missing';
  const url = input.staged
    ? await deps.blobs.stageUrl(stagedName, limits.uploadUrlSeconds)
    : await deps.blobs.createUrl('chunks', name, limits.uploadUrlSeconds);
  return { packId, state, url, blocks };
}

/** A client may have called its blocks anything; only hashes are of use to one that resumes. */
function isOurs(block: StagedBlock): boolean {
  return block.id.length === digestBytes;
}

function toStagedBlock({ id, length }: StagedBlock) {
  return { hash: parseDigest(bytesToHex(id)), bytes: length };
}
