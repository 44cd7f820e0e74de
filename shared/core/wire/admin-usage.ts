/** GET /operator/usage?workspace=…&after=…; PUT /operator/workspaces/{ws}/quota. For operators of the service. */
import { limits } from '../limits.ts';
import { type ValueOf, integer, list, message, optional, text, workspaceId } from './schema.ts';

/**
 * `files` and `bytes`: what stands in the tree, null where nobody has counted yet; `filesMax` and `bytesMax`: what may, null without a
 * bound. `packs`, `chunks` and `storedBytes`: what lies in storage, whatever of it is in a tree still. `quarantined`: packs in
 * quarantine, counted up to 1,000.
 */
export const workspaceUsage = message('WorkspaceUsage', {
  workspaceId,
  name: text(limits.workspaceNameBytesMax),
  members: integer(),
  createdMs: integer(),
  deletedMs: optional(integer()),
  seq: integer(),
  files: optional(integer()),
  bytes: optional(integer()),
  filesMax: optional(integer()),
  bytesMax: optional(integer()),
  packs: integer(),
  chunks: integer(),
  storedBytes: integer(),
  quarantined: integer(),
});
export type WorkspaceUsageMessage = ValueOf<typeof workspaceUsage>;

/** By id. `after`: what to send as `after` for the next page; null at the end. */
export const usagePage = message('UsagePage', {
  workspaces: list(workspaceUsage, 1_000),
  after: optional(workspaceId),
});

/** Null: no bound. */
export const putQuotaRequest = message('PutQuotaRequest', {
  filesMax: optional(integer()),
  bytesMax: optional(integer()),
});
