/**
 * GET /operator/quarantine?workspace=…&after=…; POST /operator/quarantine/release and …/purge. Packs whose bytes were not what their
 * names say, for operators to decide about.
 */
import { type ValueOf, digest, flag, integer, list, message, oneOf, optional, text, workspaceId } from './schema.ts';

const blobName = text(1_024);

/** `isThere`: whether the blob is in quarantine: not in the moment before it is moved, and not when it was deleted by hand. */
export const quarantinedPack = message('QuarantinedPack', {
  workspaceId,
  packId: digest,
  blobName,
  reason: text(4_096),
  storedBytes: integer(),
  foundMs: integer(),
  isThere: flag,
});

/** By blob name. `after`: what to send as `after` for the next page; null at the end. */
export const quarantinePage = message('QuarantinePage', {
  packs: list(quarantinedPack, 1_000),
  after: optional(blobName),
});

export const quarantinedName = message('QuarantinedName', { workspaceId, blobName });

export const releaseStatus = oneOf('released', 'refused', 'purged');

/** `refused`: the bytes are bad still, and `reason` says why. */
export const quarantineDecision = message('QuarantineDecision', {
  status: releaseStatus,
  reason: optional(text(4_096)),
});
export type QuarantineDecision = ValueOf<typeof quarantineDecision>;
