import { type Digest, type WorkspaceId, parseDigest } from '../core/ids.ts';
import type { PackRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';

/** The digest just below, as 256-bit numbers go; null below zero. */
function digestBefore(digest: Digest): Digest | null {
  const value = BigInt(`0x${digest}`);
  return value === 0n ? null : parseDigest((value - 1n).toString(16).padStart(64, '0'));
}

/** What is recorded of one pack: the first one of the list of packs after the id just below. */
export async function getPackRecord(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  packId: Digest,
): Promise<PackRecord | undefined> {
  const [record] = await deps.metadata.chunks.listPacks(workspaceId, digestBefore(packId), 1);
  return record?.packId === packId ? record : undefined;
}
