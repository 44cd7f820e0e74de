/**
 * What the footer of a pack in `chunks` says, without reading its frames: one small read, two for packs of many chunks. The
 * hashes are those of the pack's name; whether the frames hold them is not checked here (read-pack.ts does).
 */
import { isTidemarkError } from '../core/errors.ts';
import { type Digest, type DigestColumn, type WorkspaceId } from '../core/ids.ts';
import { merkleRoot } from '../core/merkle/tree.ts';
import { decodeFooter, placesOfPack, readTail } from '../core/pack/pack-footer.ts';
import { corruptPack, packTailBytes } from '../core/pack/pack-format.ts';
import type { BlobProperties } from '../ports/blob-store.ts';
import type { ChunkPlace } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { packBlobName } from './pack-name.ts';

export interface PackContents {
  readonly hashes: DigestColumn;
  readonly places: readonly ChunkPlace[];
}

export type FooterReading =
  | ({ readonly kind: 'good' } & PackContents)
  | { readonly kind: 'bad'; readonly reason: string }
  /** The incarnation that was asked for is not there. */
  | { readonly kind: 'missing' };

/** Footers of some hundred chunks are read with the first try. */
const firstReadBytes = 16 * 1_024;

/** Of the incarnation that `properties` name, which is checked after the reads. Throws what the store throws. */
export async function readPackFooter(
  deps: Needs<'blobs'>,
  workspaceId: WorkspaceId,
  packId: Digest,
  properties: BlobProperties,
): Promise<FooterReading> {
  const name = packBlobName(workspaceId, packId);
  const { length, etag } = properties;
  const readLast = async (bytes: number): Promise<Uint8Array | undefined> =>
    deps.blobs.get('chunks', name, { from: Math.max(0, length - bytes), to: length });
  let contents: PackContents | undefined;
  let reason = '';
  try {
    contents = await contentsOf(readLast, length, packId);
  } catch (error) {
    if (!isTidemarkError(error) || !['corrupt', 'malformed', 'too-large', 'unsupported'].includes(error.code))
      throw error;
    reason = error.message;
  }
  const now = await deps.blobs.head('chunks', name);
  if (now?.etag !== etag) return { kind: 'missing' };
  return contents === undefined ? { kind: 'bad', reason } : { kind: 'good', ...contents };
}

async function contentsOf(
  readLast: (bytes: number) => Promise<Uint8Array | undefined>,
  length: number,
  packId: Digest,
): Promise<PackContents> {
  const last = (await readLast(firstReadBytes)) ?? new Uint8Array(0);
  const tail = readTail(last, length);
  const footerBytes =
    tail.footer ?? readTail((await readLast(tail.footerLength + packTailBytes)) ?? last, length).footer;
  if (footerBytes === undefined) throw corruptPack('its footer does not fit in it');
  const footer = decodeFooter(footerBytes, length);
  if (merkleRoot(footer.hashes) !== packId) throw corruptPack('it is another pack than its name says');
  return { hashes: footer.hashes.slice() as DigestColumn, places: placesOfPack(footer, packId) };
}
