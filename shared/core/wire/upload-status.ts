/**
 * GET /upload/session/{session}?workspace=…&staged=…: what became of each pack of a session, and fresh URLs for what is still to be
 * uploaded. With `staged=true` the URL is for a staged upload: blocks of 1 to 4 MiB (the last may be shorter), each under the id
 * base64(BLAKE3 of its bytes), then a list of them; without, for the pack as one PUT.
 */
import { limits } from '../limits.ts';
import {
  type ValueOf,
  digest,
  integer,
  list,
  message,
  oneOf,
  optional,
  sessionId,
  text,
  workspaceId,
} from './schema.ts';

/**
 * - `missing`: nothing is there. `staged`: blocks are, which no list has taken up yet.
 * - `uploaded`: it is there whole and waits for its verification; a commit does that itself.
 * - `verified`: its chunks are in the workspace. `rejected`: its bytes were not what its name says; upload it again.
 */
export const packState = oneOf('missing', 'staged', 'uploaded', 'verified', 'rejected');
export type PackState = ValueOf<typeof packState>;

/** A block that is staged: its id, which is the BLAKE3 of its bytes, and its length. */
export const stagedBlock = message('StagedBlock', { hash: digest, bytes: integer(0) });

/** `url`: where to put what is missing, staged or rejected; null when nothing is to be done. */
export const packStatus = message('PackStatus', {
  packId: digest,
  state: packState,
  url: optional(text(4_096)),
  blocks: list(stagedBlock, limits.packChunksMax),
});
export type PackStatus = ValueOf<typeof packStatus>;

/** The packs in the order in which the session planned them. */
export const uploadSessionStatus = message('UploadSessionStatus', {
  sessionId,
  workspaceId,
  expiresMs: integer(),
  packs: list(packStatus, limits.sessionChunksMax),
});
export type UploadSessionStatus = ValueOf<typeof uploadSessionStatus>;
