/**
 * The chunk index of a workspace, made right from its packs alone, in steps.
 *
 *   1  forget    each recorded pack whose blob is gone, with its chunks
 *   2  record    each blob in `chunks`, after its bytes were verified; bad ones go to quarantine and are forgotten
 *
 * The order matters: a chunk that lay in a lost pack and lies in another is unknown after 1 and known again after 2. Rows that are
 * wrong (a place that is not where the pack has the chunk, or in a pack that is not recorded) are forgotten with their pack
 * before the pack is recorded, since recording leaves what is known alone.
 *
 * Nothing is lost by stopping anywhere: a step may be repeated, and what was uploaded meanwhile is recorded by its own event. While
 * it runs, chunks that are on their way through 1 and 2 look missing; clients upload them again at worst.
 */
import { TidemarkError } from '../../core/errors.ts';
import { type Digest, type WorkspaceId, digestsToColumn, isDigest, parseDigest } from '../../core/ids.ts';
import type { BlobProperties } from '../../ports/blob-store.ts';
import type { ChunkPlace, PackRecord } from '../../ports/metadata-store.ts';
import { getPackRecord } from '../pack-record.ts';
import { packBlobName, parsePackBlobName } from '../pack-name.ts';
import { type PackContents, readPackFooter } from '../read-pack-footer.ts';
import { serverTimeMs } from '../server-time.ts';
import { type VerifyNeeds, verifyPackAnew } from '../verify-pack.ts';

export interface RebuildIndexInput {
  readonly workspaceId: WorkspaceId;
  /** Where the last step came to; null: from the start. */
  readonly cursor: string | null;
  /** Packs of this step at most. */
  readonly packs: number;
  /**
   * Whether a pack that is recorded with the ETag of its blob counts as verified: then its footer is read and not its frames.
   * Without it every byte is read.
   */
  readonly trustRecords: boolean;
}

export interface RebuildIndexStep {
  /** Where to go on; null when the index is whole. */
  readonly cursor: string | null;
  /** Packs of this step: forgotten because their blobs are gone, recorded, found to be bad. */
  readonly forgotten: number;
  readonly recorded: number;
  readonly rejected: number;
}

type Position = { readonly phase: 'forget' | 'record'; readonly after: Digest | null };

function parsePosition(cursor: string | null): Position {
  if (cursor === null) return { phase: 'forget', after: null };
  const [phase, after = '', ...rest] = cursor.split(':');
  if ((phase !== 'forget' && phase !== 'record') || rest.length > 0 || (after !== '' && !isDigest(after))) {
    throw new TidemarkError('malformed', 'this is no cursor of an index rebuild', { data: { field: 'cursor' } });
  }
  return { phase, after: after === '' ? null : parseDigest(after) };
}

function toCursor(phase: Position['phase'], after: Digest | null): string {
  return `${phase}:${after ?? ''}`;
}

/** One step. Throws `malformed` on a cursor that is none, and what the stores throw. */
export async function rebuildIndexStep(deps: VerifyNeeds, input: RebuildIndexInput): Promise<RebuildIndexStep> {
  const { phase, after } = parsePosition(input.cursor);
  return phase === 'forget' ? forgetStep(deps, input, after) : recordStep(deps, input, after);
}

async function forgetStep(
  deps: VerifyNeeds,
  input: RebuildIndexInput,
  after: Digest | null,
): Promise<RebuildIndexStep> {
  const { workspaceId } = input;
  const records = await deps.metadata.chunks.listPacks(workspaceId, after, input.packs);
  let forgotten = 0;
  for (const { packId } of records) {
    if ((await deps.blobs.head('chunks', packBlobName(workspaceId, packId))) !== undefined) continue;
    await deps.metadata.chunks.forgetPack(workspaceId, packId);
    forgotten++;
  }
  const last = records.at(-1);
  const cursor = last === undefined ? toCursor('record', null) : toCursor('forget', last.packId);
  return { cursor, forgotten, recorded: 0, rejected: 0 };
}

async function recordStep(
  deps: VerifyNeeds,
  input: RebuildIndexInput,
  after: Digest | null,
): Promise<RebuildIndexStep> {
  const { workspaceId, packs } = input;
  const counts = { forgotten: 0, recorded: 0, rejected: 0 };
  let again = false;
  let seen = 0;
  let last: Digest | undefined;
  const afterName = after === null ? undefined : packBlobName(workspaceId, after);
  for await (const blob of deps.blobs.listBlobs('chunks', `${workspaceId}/`, afterName)) {
    const pack = parsePackBlobName(blob.name);
    // A name that is no pack's holds nothing that could be recorded; fsck tells of it.
    if (pack === undefined) continue;
    const wasRecorded = (await getPackRecord(deps, workspaceId, pack.packId)) !== undefined;
    const outcome = await recordBlob(deps, input, pack.packId, blob);
    counts[outcome]++;
    if (outcome !== 'recorded' && wasRecorded) again = true;
    last = pack.packId;
    if (++seen === packs) break;
  }
  // Chunks of a pack that was forgotten on the way may lie in packs that were passed before it.
  if (again) return { ...counts, cursor: toCursor('record', null) };
  return { ...counts, cursor: seen < packs || last === undefined ? null : toCursor('record', last) };
}

async function recordBlob(
  deps: VerifyNeeds,
  input: RebuildIndexInput,
  packId: Digest,
  properties: BlobProperties,
): Promise<'recorded' | 'rejected' | 'forgotten'> {
  const { workspaceId } = input;
  const record = await getPackRecord(deps, workspaceId, packId);
  const footer = await readPackFooter(deps, workspaceId, packId, properties);
  if (footer.kind === 'good') {
    await forgetWrongRows(deps, workspaceId, packId, footer);
    if (input.trustRecords && isSame(record, properties)) {
      const pack = { packId, storedBytes: properties.length, etag: properties.etag, ...footer };
      await deps.metadata.chunks.record(workspaceId, pack, serverTimeMs(deps.clock));
      return 'recorded';
    }
  }
  switch (await verifyPackAnew(deps, { workspaceId, packId })) {
    case 'verified':
      return 'recorded';
    case 'changed':
      throw new TidemarkError('busy', 'a pack was replaced while it was read: go on from the same cursor');
    case 'rejected':
      await deps.metadata.chunks.forgetPack(workspaceId, packId);
      return 'rejected';
    case 'missing':
      await deps.metadata.chunks.forgetPack(workspaceId, packId);
      return 'forgotten';
  }
}

function isSame(record: PackRecord | undefined, { etag, length }: BlobProperties): boolean {
  return record?.etag === etag && record.storedBytes === length;
}

/** Forgets packs that have rows of these chunks which are not where the pack has them, or which nobody has recorded. */
async function forgetWrongRows(
  deps: VerifyNeeds,
  workspaceId: WorkspaceId,
  packId: Digest,
  contents: PackContents,
): Promise<void> {
  const places = await deps.metadata.chunks.lookUp(workspaceId, contents.hashes);
  const wrong = new Set<Digest>();
  const others = new Set<Digest>();
  for (const [i, place] of places.entries()) {
    if (place === undefined) continue;
    if (place.packId !== packId) others.add(place.packId);
    else if (!samePlace(place, contents.places[i]!)) wrong.add(packId);
  }
  const column = [...others];
  const recorded = await deps.metadata.chunks.hasPacks(workspaceId, digestsToColumn(column));
  for (const [i, other] of column.entries()) if (recorded[i] !== true) wrong.add(other);
  for (const each of wrong) await deps.metadata.chunks.forgetPack(workspaceId, each);
}

/** Whether two places are one, to the byte. */
export function samePlace(a: ChunkPlace, b: ChunkPlace): boolean {
  return (
    a.packId === b.packId &&
    a.frameOffset === b.frameOffset &&
    a.frameStored === b.frameStored &&
    a.frameRaw === b.frameRaw &&
    a.codec === b.codec &&
    a.offset === b.offset &&
    a.length === b.length
  );
}
