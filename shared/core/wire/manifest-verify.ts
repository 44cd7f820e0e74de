/**
 * POST /manifest/verify: the SHA-256 of stored content, computed by the server from its chunks, each of which it checks on the way.
 * For files of at most `contentVerifyBytesMax`, whose chunks are not too scattered (`contentFramesBytesMax`).
 */
import { type ValueOf, digest, flag, integer, message, optional, workspaceId } from './schema.ts';

/** `sha256`: what an entry claims. */
export const manifestVerifyRequest = message('ManifestVerifyRequest', {
  workspaceId,
  root: digest,
  sha256: optional(digest),
});
export type ManifestVerifyRequest = ValueOf<typeof manifestVerifyRequest>;

/** `matches`: whether the claimed one is it; null when none was. */
export const manifestVerifyResponse = message('ManifestVerifyResponse', {
  sha256: digest,
  matches: optional(flag),
  bytes: integer(),
});
export type ManifestVerifyResponse = ValueOf<typeof manifestVerifyResponse>;
