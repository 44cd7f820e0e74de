/** GET /operator/poison, /operator/feed, /operator/incidents?workspace=…: how the service itself is, for operators. */
import { digest, flag, integer, list, message, oneOf, optional, text, workspaceId } from './schema.ts';

/** A message that its function could not handle. */
export const poisonMessage = message('PoisonMessage', {
  queue: text(64),
  id: text(256),
  insertedMs: integer(),
  body: text(65_536),
});
/** The oldest of each poison queue. */
export const poisonList = message('PoisonList', { messages: list(poisonMessage, 1_000) });

/** `cursor`: where the work has come to; null before its first step. */
export const leaseStatus = message('LeaseStatus', {
  name: text(256),
  isHeld: flag,
  epoch: integer(),
  expiresMs: integer(),
  cursor: optional(text(16_384)),
});
/** `shards`: of the change feed. `repairs`: of chunk indexes; their cursor is `done` at the end. */
export const feedState = message('FeedState', { shards: list(leaseStatus, 64), repairs: list(leaseStatus, 100_000) });

/**
 * What happened to a verified pack that nobody ordered. `lost`: its blob is gone. `replaced`: another blob stands in its place.
 * `etag`: of the incarnation that was verified.
 */
export const incident = message('Incident', {
  workspaceId,
  packId: digest,
  kind: oneOf('lost', 'replaced'),
  etag: text(256),
  storedBytes: integer(),
  noticedMs: integer(),
  blobName: text(1_024),
});
/** By blob name. `after`: what to send as `after` for the next page; null at the end. */
export const incidentPage = message('IncidentPage', {
  incidents: list(incident, 1_000),
  after: optional(text(1_024)),
});
