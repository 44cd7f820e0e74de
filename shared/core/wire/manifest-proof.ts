/**
 * POST /manifest/proof: chunks `first` to `first + count` of a file, proved to be there by its root alone (core/merkle/tree:
 * proveRange, verifyRange). So a part of a file can be fetched and checked without the rest of its manifest.
 */
import { limits } from '../limits.ts';
import { type ValueOf, digest, digestColumn, integer, list, message, workspaceId } from './schema.ts';

export const manifestProofRequest = message('ManifestProofRequest', {
  workspaceId,
  root: digest,
  first: integer(0, limits.manifestChunksMax),
  count: integer(1, limits.proofChunksMax),
});
export type ManifestProofRequest = ValueOf<typeof manifestProofRequest>;

/**
 * `chunks`: how many the file has in all; the range is clipped to them. `offset`: where the first chunk begins in the file, in bytes,
 * and `lengths` those of the chunks, as the manifest says: the hashes are proved, the lengths show in the chunks themselves.
 */
export const manifestProofResponse = message('ManifestProofResponse', {
  chunks: integer(0, limits.manifestChunksMax),
  size: integer(0, limits.fileBytesMax),
  offset: integer(0, limits.fileBytesMax),
  hashes: digestColumn(limits.proofChunksMax),
  lengths: list(integer(1, limits.chunkBytesMax), limits.proofChunksMax),
  proof: digestColumn(64),
});
export type ManifestProofResponse = ValueOf<typeof manifestProofResponse>;
