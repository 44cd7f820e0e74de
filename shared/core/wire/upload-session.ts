/** POST /upload/session: which of some chunks the workspace lacks, and the packs to build of them. */
import { limits } from '../limits.ts';
import {
  type ValueOf,
  deviceId,
  digest,
  digestColumn,
  integer,
  list,
  message,
  sessionId,
  text,
  workspaceId,
} from './schema.ts';

/** `lengths[i]` is the plain length of chunk i in bytes; `uploadWindowBytes` in all. A hash may come once only. */
export const uploadSessionRequest = message('UploadSessionRequest', {
  workspaceId,
  deviceId,
  hashes: digestColumn(limits.sessionChunksMax),
  lengths: list(integer(1, limits.chunkBytesMax), limits.sessionChunksMax),
});
export type UploadSessionRequest = ValueOf<typeof uploadSessionRequest>;

/** A pack to build: `count` chunks from place `first` of `missing` on, in that order; `PUT` it to `url`. */
export const plannedPack = message('PlannedPack', {
  packId: digest,
  first: integer(),
  count: integer(1, limits.packChunksMax),
  url: text(4_096),
});
export type PlannedPack = ValueOf<typeof plannedPack>;

/** `missing`: places in the request's `hashes`, ascending. Everything else is in the workspace, verified. */
export const uploadSessionResponse = message('UploadSessionResponse', {
  sessionId,
  expiresMs: integer(),
  missing: list(integer(0, limits.sessionChunksMax), limits.sessionChunksMax),
  packs: list(plannedPack, limits.sessionChunksMax),
});
export type UploadSessionResponse = ValueOf<typeof uploadSessionResponse>;
