/**
 * What the refusal `stale-base` of POST /manifest/commit tells of the head, so that its author can rebase without asking again. It
 * goes out in the problem's `stale`, a list of texts, each the base64url of one StaleOperation as msgpack (docs/protocol.md, 13).
 */
import { encode } from '@msgpack/msgpack';
import { base64urlToBytes, bytesToBase64url } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMsgpack } from '../msgpack.ts';
import { outcomeStatus, refusalReason } from './commit.ts';
import { place } from './operation.ts';
import { type ValueOf, bytes as bytesOf, integer, message, optional } from './schema.ts';

/** A node of the head: where it stands, and its entry's bytes. */
export const standingNode = message('StandingNode', { place, entry: bytesOf(limits.mapValueBytesMax) });

/**
 * An operation that met what its author had not seen, by its place in the commit, and what would have become of it in a workspace
 * that takes conflicts. `node`: the node that it names, as it is in the head; null when it is not there. `occupant`: what
 * has the name that it asks for, where that is another node.
 */
export const staleOperation = message('StaleOperation', {
  index: integer(0, limits.commitOperationsMax),
  wouldBe: outcomeStatus,
  reason: optional(refusalReason),
  node: optional(standingNode),
  occupant: optional(standingNode),
});
export type StaleOperation = ValueOf<typeof staleOperation>;

/** Entries are bytes here: their versions count for nothing. */
const caps = { what: 'a stale operation', depthMax: 3, valuesMax: 16 };

export function staleOperationToText(stale: StaleOperation): string {
  return bytesToBase64url(encode(staleOperation.toWire(stale)));
}

/** Throws `malformed` on anything that staleOperationToText does not write. */
export function textToStaleOperation(text: string): StaleOperation {
  let bytes: Uint8Array;
  try {
    bytes = base64urlToBytes(text);
  } catch (cause) {
    throw new TidemarkError('malformed', 'a stale operation is base64url', { cause });
  }
  return staleOperation.fromWire(decodeMsgpack(bytes, caps), '');
}
