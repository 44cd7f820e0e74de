/** POST /download/session: where chunks lie: packs with a read URL each, and for each chunk its frame and its place in it. */
import { limits } from '../limits.ts';
import { type ValueOf, digest, digestColumn, integer, list, message, text, workspaceId } from './schema.ts';

export const downloadSessionRequest = message('DownloadSessionRequest', {
  workspaceId,
  hashes: digestColumn(limits.sessionChunksMax),
});
export type DownloadSessionRequest = ValueOf<typeof downloadSessionRequest>;

export const downloadPack = message('DownloadPack', { packId: digest, url: text(4_096) });
export type DownloadPack = ValueOf<typeof downloadPack>;

const column = list(integer(), limits.sessionChunksMax);

/**
 * Columns by place in the request's `hashes`: `packs[pack[i]]` holds chunk i in the frame that is the blob's bytes
 * `frameOffset[i]` to `+ frameStored[i]`, which decode by `codec[i]` to `frameRaw[i]` bytes; the chunk begins there at
 * `offset[i]` and has `length[i]` bytes.
 */
export const downloadSessionResponse = message('DownloadSessionResponse', {
  expiresMs: integer(),
  packs: list(downloadPack, limits.sessionChunksMax),
  pack: column,
  frameOffset: column,
  frameStored: column,
  frameRaw: column,
  codec: column,
  offset: column,
  length: column,
});
export type DownloadSessionResponse = ValueOf<typeof downloadSessionResponse>;
