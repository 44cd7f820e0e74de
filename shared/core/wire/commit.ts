/** POST /manifest/commit: a batch of operations, atomically; header Idempotency-Key: the request id in hex. */
import { limits } from '../limits.ts';
import {
  type ValueOf,
  bytes,
  deviceId,
  digest,
  integer,
  list,
  message,
  nodeId,
  oneOf,
  optional,
  sessionId,
  text,
  workspaceId,
} from './schema.ts';
import { operation } from './operation.ts';
import { version } from './version.ts';

/** Bytes of a manifest, named by the root it must have. */
export const namedManifest = message('NamedManifest', { root: digest, manifest: bytes(limits.manifestBytesMax) });
/** Bytes of a segment, named by their BLAKE3. */
export const namedSegment = message('NamedSegment', { hash: digest, segment: bytes(limits.segmentBytesMax) });

/** `sessions`: those whose packs hold what is new here; packs of theirs that are not verified yet are verified now. */
export const commitRequest = message('CommitRequest', {
  workspaceId,
  deviceId,
  sessions: list(sessionId, limits.commitSessionsMax),
  manifests: list(namedManifest, limits.commitOperationsMax),
  segments: list(namedSegment, limits.manifestChunksMax),
  operations: list(operation, limits.commitOperationsMax),
});
export type CommitRequest = ValueOf<typeof commitRequest>;

/**
 * What became of an operation.
 * - `applied`: as asked. The node is at `parentId`/`name` with `version` (an edit that met a move is at the node's new place).
 * - `agreed`: nothing to do. For `mkdir` and `put` of a new node where the same thing stands: `nodeId` is the one that stands.
 * - `copied`: a conflict; the operation's content is the new node `nodeId` under the conflict name `name`.
 * - `renamed`: applied, but the name was taken: the node is under the conflict name `name`.
 * - `kept`: the operation lost to what another device did (a delete to an edit, a move to a move); the node is as told.
 * - `refused`: it cannot be done; `reason` says why; nothing changed. (`not-empty` is in no answer of this version: a folder
 *   with children left is `kept`.) `needs-merge`: an edit met an edit where the policy is `merge`; the node stands at
 *   `parentId`/`name` with `version`: its author merges with that and puts the result, or puts again with `fallback`.
 */
export const outcomeStatus = oneOf('applied', 'agreed', 'copied', 'renamed', 'kept', 'refused');
export const refusalReason = oneOf(
  'missing-parent',
  'cycle',
  'bad-name',
  'not-a-folder',
  'kind-changed',
  'not-empty',
  'too-deep',
  'gone',
  'needs-merge',
);
export const outcome = message('Outcome', {
  status: outcomeStatus,
  reason: optional(refusalReason),
  nodeId,
  parentId: nodeId,
  name: text(limits.nameBytesMax),
  version,
});
export type Outcome = ValueOf<typeof outcome>;
export type RefusalReason = ValueOf<typeof refusalReason>;

/**
 * A place in a workspace's history, signed: `chain` binds all entries up to `seq` (see journal-entry.ts), and `signature` is
 * Ed25519 by key `keyId` over headSignedBytes(workspaceId, this). Where the commit changed nothing, it is the head as it was.
 */
export const signedHead = message('SignedHead', {
  seq: integer(),
  previousRoot: digest,
  root: digest,
  timeMs: integer(),
  chain: digest,
  keyId: text(64),
  signature: bytes(64),
});
export type SignedHead = ValueOf<typeof signedHead>;

/** `outcomes[i]` is what became of `operations[i]`. */
export const commitResponse = message('CommitResponse', {
  head: optional(signedHead),
  outcomes: list(outcome, limits.commitOperationsMax),
});
export type CommitResponse = ValueOf<typeof commitResponse>;
