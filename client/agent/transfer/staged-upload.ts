/**
 * One pack over a line that breaks: in blocks of 1 MiB, each of which is sent until the server has it, and never again after that.
 * What the server has it is asked, so a block whose answer got lost, or a list whose answer did, costs a question and not its bytes.
 */
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import type { Digest, SessionId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { PackStatus } from '../../../shared/core/wire/upload-status.ts';
import type { TransferSetting } from './services.ts';

/** The least that the server likes: what a broken connection costs. */
export const blockBytes = limits.stagedBlockBytesMin;
/** Rounds in a row after which the server had no more blocks than ever before, through expired URLs or lists that were not taken. */
const idleRoundsMax = 3;

interface Block {
  readonly hash: Digest;
  readonly bytes: Uint8Array;
}

interface StagedUpload {
  readonly setting: TransferSetting;
  readonly sessionId: SessionId;
  readonly packId: Digest;
  readonly signal: AbortSignal;
}

function cutBlocks(bytes: Uint8Array): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = bytes.subarray(at, at + blockBytes);
    blocks.push({ hash: blake3Digest(block), bytes: block });
  }
  return blocks;
}

/** What the server has of the pack. Throws `not-found` when it has forgotten the session. */
async function askStatus({ setting, sessionId, packId, signal }: StagedUpload): Promise<PackStatus> {
  const { api, workspaceId, count } = setting;
  count.requests++;
  const { packs } = await api.uploadSessionStatus(workspaceId, sessionId, true, signal);
  const status = packs.find((pack) => pack.packId === packId);
  if (status === undefined) throw new TidemarkError('malformed', 'the server does not know a pack that it planned');
  return status;
}

/** Sends what is missing, and the list. 'again' when the URL has expired, or the list was not taken. */
async function sendBlocks(
  { setting, signal }: StagedUpload,
  url: string,
  blocks: readonly Block[],
  missing: readonly Block[],
): Promise<'done' | 'again'> {
  const { blobs, count } = setting;
  try {
    for (const { hash, bytes } of missing) {
      signal.throwIfAborted();
      count.requests++;
      await blobs.stageBlock(url, hash, bytes, signal);
      count.bytesSent += bytes.length;
    }
    count.requests++;
    const hashes = blocks.map((block) => block.hash);
    return (await blobs.commitBlocks(url, hashes, signal)) === 'created' ? 'done' : 'again';
  } catch (error) {
    if (isTidemarkError(error, 'forbidden')) return 'again';
    throw error;
  }
}

/**
 * Resolves once the server has the whole pack. Throws `not-found` when it has forgotten the session, `unavailable` when it keeps
 * refusing, and what the network throws: what was staged by then stays staged while the session lives.
 */
export async function uploadStaged(upload: StagedUpload, bytes: Uint8Array): Promise<void> {
  const blocks = cutBlocks(bytes);
  let missingLeast = Infinity;
  for (let idle = 0; idle <= idleRoundsMax; idle++) {
    const { state, url, blocks: staged } = await askStatus(upload);
    if (state === 'uploaded' || state === 'verified') return;
    if (url === null) throw new TidemarkError('malformed', 'the server gives no URL for a pack that it lacks');
    const lengths = new Map(staged.map((block) => [block.hash, block.bytes]));
    const missing = blocks.filter((block) => lengths.get(block.hash) !== block.bytes.length);
    if (missing.length < missingLeast) idle = 0;
    missingLeast = Math.min(missingLeast, missing.length);
    if ((await sendBlocks(upload, url, blocks, missing)) === 'done') return;
  }
  throw new TidemarkError('unavailable', 'the storage refused every block; its URLs may expire too soon');
}
