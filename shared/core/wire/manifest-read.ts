/** POST /manifest/read: manifests by root and segments by hash, null where the workspace has none. */
import { limits } from '../limits.ts';
import { type ValueOf, bytes, digestColumn, list, message, optional, workspaceId } from './schema.ts';

/** The server may answer a prefix of what was asked when the whole would be too large; the client asks again for the rest. */
export const manifestReadRequest = message('ManifestReadRequest', {
  workspaceId,
  roots: digestColumn(limits.sessionChunksMax),
  segments: digestColumn(limits.sessionChunksMax),
});
export type ManifestReadRequest = ValueOf<typeof manifestReadRequest>;

export const manifestReadResponse = message('ManifestReadResponse', {
  manifests: list(optional(bytes(limits.manifestBytesMax)), limits.sessionChunksMax),
  segments: list(optional(bytes(limits.segmentBytesMax)), limits.sessionChunksMax),
});
export type ManifestReadResponse = ValueOf<typeof manifestReadResponse>;
