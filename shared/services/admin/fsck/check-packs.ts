/**
 * The packs: what is recorded and what lies in `chunks`, side by side, both in ascending order. Each recorded pack has the blob that
 * was verified, its footer says what its name says, and the index has each of its chunks where the footer has it. With `deep`,
 * every byte is hashed.
 */
import { type Digest, columnDigestAt } from '../../../core/ids.ts';
import type { ListedBlob } from '../../../ports/blob-store.ts';
import type { PackRecord } from '../../../ports/metadata-store.ts';
import { packBlobName, parsePackBlobName } from '../../pack-name.ts';
import { getPackRecord } from '../../pack-record.ts';
import { type PackContents, readPackFooter } from '../../read-pack-footer.ts';
import { readPack } from '../../read-pack.ts';
import { samePlace } from '../rebuild-index.ts';
import type { Check } from './finding.ts';

/** Packs of one step; fewer when all their bytes are read. */
const packsOfStep = 100;
const packsOfDeepStep = 16;

/** The packs after this one. Gives the last one that was checked; null at the end. */
export async function checkPacks(
  check: Check,
  after: Digest | null,
): Promise<{ readonly last: Digest | null; readonly packs: number }> {
  const { deps, workspaceId } = check;
  const limit = check.deep ? packsOfDeepStep : packsOfStep;
  const records = await deps.metadata.chunks.listPacks(workspaceId, after, limit);
  const { blobs, foreign } = await listPackBlobs(check, after, limit);
  const ends = [
    ...(records.length === limit ? [records.at(-1)!.packId] : []),
    ...(blobs.length === limit ? [blobs.at(-1)!.packId] : []),
  ].sort();
  // Up to here both lists are known; what is beyond waits for the next step.
  const end = ends[0] ?? null;
  const isWithin = (packId: Digest): boolean => end === null || packId <= end;
  for (const name of foreign) {
    if (end === null || name <= packBlobName(workspaceId, end)) check.find('bad-blob', name, 'its name is no pack’s');
  }
  const blobOf = new Map(blobs.map((blob) => [blob.packId, blob]));
  const recorded = new Set(records.map(({ packId }) => packId));
  for (const record of records) {
    if (isWithin(record.packId)) await checkPack(check, record, blobOf.get(record.packId));
  }
  for (const blob of blobs) if (isWithin(blob.packId) && !recorded.has(blob.packId)) await checkUnrecorded(check, blob);
  return { last: end, packs: new Set([...recorded, ...blobOf.keys()].filter(isWithin)).size };
}

interface PackBlob extends ListedBlob {
  readonly packId: Digest;
}

/** The next blobs of packs, and the names between them that are none. */
async function listPackBlobs(
  { deps, workspaceId }: Check,
  after: Digest | null,
  limit: number,
): Promise<{ readonly blobs: readonly PackBlob[]; readonly foreign: readonly string[] }> {
  const blobs: PackBlob[] = [];
  const foreign: string[] = [];
  const afterName = after === null ? undefined : packBlobName(workspaceId, after);
  for await (const blob of deps.blobs.listBlobs('chunks', `${workspaceId}/`, afterName)) {
    const pack = parsePackBlobName(blob.name);
    if (pack === undefined) foreign.push(blob.name);
    else if (blobs.push({ ...blob, packId: pack.packId }) === limit) break;
  }
  return { blobs, foreign };
}

async function checkUnrecorded(check: Check, blob: PackBlob): Promise<void> {
  // It may have been verified since the records were listed.
  if ((await getPackRecord(check.deps, check.workspaceId, blob.packId)) !== undefined) return;
  check.find('orphan-blob', blob.name, `a blob of ${blob.length} bytes that nobody has verified`);
}

async function checkPack(check: Check, record: PackRecord, listed: PackBlob | undefined): Promise<void> {
  const { deps, workspaceId } = check;
  const { packId } = record;
  const name = packBlobName(workspaceId, packId);
  // Listed before it was put, perhaps: the newest look decides.
  const blob = listed ?? (await deps.blobs.head('chunks', name));
  if (blob === undefined) {
    check.find('missing-blob', packId, `the blob of a verified pack of ${record.storedBytes} bytes is gone`);
    return;
  }
  if (blob.etag !== record.etag || blob.length !== record.storedBytes) {
    check.find('bad-blob', name, 'another blob stands here than the one that was verified');
    return;
  }
  const footer = await readPackFooter(deps, workspaceId, packId, blob);
  if (footer.kind !== 'good') {
    check.find('bad-blob', name, footer.kind === 'bad' ? footer.reason : 'it was replaced while it was read');
    return;
  }
  await checkPlacesOf(check, packId, footer);
  if (!check.deep) return;
  const reading = await readPack(deps, 'chunks', name, packId);
  if (reading.kind === 'bad') check.find('bad-blob', name, reading.reason);
}

async function checkPlacesOf(check: Check, packId: Digest, { hashes, places }: PackContents): Promise<void> {
  const known = await check.deps.metadata.chunks.lookUp(check.workspaceId, hashes);
  const missing = known.flatMap((place, i) => (place === undefined ? [i] : []));
  if (missing.length > 0) {
    const first = columnDigestAt(hashes, missing[0]!);
    check.find('missing-chunk', first, `${missing.length} chunks of the recorded pack ${packId} are not in the index`);
  }
  const wrong = known.findIndex((place, i) => place?.packId === packId && !samePlace(place, places[i]!));
  if (wrong >= 0)
    check.find('index-wrong', columnDigestAt(hashes, wrong), `it does not lie there in the pack ${packId}`);
}
