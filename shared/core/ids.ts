/**
 * Identities, as lowercase hex in memory (usable as Map keys and in URLs) and as raw bytes on the wire and in keys.
 * Each type has one parse door; nothing else casts.
 */
import type { Brand } from './brand.ts';
import { bytesToHex, hexToBytes } from './bytes.ts';
import { TidemarkError } from './errors.ts';

/** A BLAKE3-256 digest: 64 lowercase hex characters. */
export type Digest = Brand<string, 'Digest'>;
/** A file, folder or symlink, whatever it is called and wherever it moves: 16 random bytes, 32 hex characters. */
export type NodeId = Brand<string, 'NodeId'>;
export type WorkspaceId = Brand<string, 'WorkspaceId'>;
/** One installation of the agent, since its last loss of state: 16 random bytes, 32 hex characters. */
export type DeviceId = Brand<string, 'DeviceId'>;
export type SessionId = Brand<string, 'SessionId'>;
/** The idempotency key of one commit: 16 random bytes chosen by the client, 32 hex characters. */
export type RequestId = Brand<string, 'RequestId'>;
/** Who a token speaks for: `<issuer host>|<subject>`, 1 to 256 characters. */
export type UserId = Brand<string, 'UserId'>;

export const digestBytes = 32;
export const idBytes = 16;

const hex64 = /^[0-9a-f]{64}$/;
const hex32 = /^[0-9a-f]{32}$/;

/** Whether a text is 64 lowercase hex characters. */
export function isDigest(text: string): text is Digest {
  return hex64.test(text);
}

/** Throws `malformed` on anything but 64 lowercase hex characters. */
export function parseDigest(text: string): Digest {
  if (!hex64.test(text)) throw new TidemarkError('malformed', 'a digest is 64 lowercase hex characters');
  return text as Digest;
}

/** Throws `malformed` unless there are 32 bytes. */
export function bytesToDigest(bytes: Uint8Array): Digest {
  if (bytes.length !== digestBytes) throw new TidemarkError('malformed', 'a digest is 32 bytes');
  return bytesToHex(bytes) as Digest;
}

/** Works for every id and digest: they are hex in memory. */
export function idToBytes(id: Digest | NodeId | WorkspaceId | DeviceId | SessionId | RequestId): Uint8Array {
  return hexToBytes(id);
}

/** The door for ids as hex; it throws `malformed` on anything but 32 lowercase hex characters. */
function parseId<Id extends string>(name: string) {
  return (text: string): Id => {
    if (!hex32.test(text)) throw new TidemarkError('malformed', `${name} is 32 lowercase hex characters`);
    return text as unknown as Id;
  };
}

/** The door for ids as raw bytes; it throws `malformed` unless there are 16. */
function bytesToId<Id extends string>(name: string) {
  return (bytes: Uint8Array): Id => {
    if (bytes.length !== idBytes) throw new TidemarkError('malformed', `${name} is 16 bytes`);
    return bytesToHex(bytes) as unknown as Id;
  };
}

export const parseNodeId = parseId<NodeId>('a node id');
export const bytesToNodeId = bytesToId<NodeId>('a node id');
export const parseWorkspaceId = parseId<WorkspaceId>('a workspace id');
export const bytesToWorkspaceId = bytesToId<WorkspaceId>('a workspace id');
export const parseDeviceId = parseId<DeviceId>('a device id');
export const bytesToDeviceId = bytesToId<DeviceId>('a device id');
export const parseSessionId = parseId<SessionId>('a session id');
export const bytesToSessionId = bytesToId<SessionId>('a session id');
export const parseRequestId = parseId<RequestId>('a request id');
export const bytesToRequestId = bytesToId<RequestId>('a request id');

/** Throws `malformed` on an empty text, one over 256 UTF-16 units, or lone surrogates. */
export function parseUserId(text: string): UserId {
  if (text.length < 1 || text.length > 256 || !text.isWellFormed()) {
    throw new TidemarkError('malformed', 'a user id has 1 to 256 characters of well-formed Unicode');
  }
  return text as UserId;
}

/** The root folder of every workspace: sixteen zero bytes. */
export const rootNodeId: NodeId = parseNodeId('0'.repeat(32));

/** A column of n digests: one run of n * 32 bytes. Lists of hashes are columns everywhere, never arrays of objects. */
export type DigestColumn = Brand<Uint8Array, 'DigestColumn'>;

/** The same bytes, not a copy. Throws `malformed` unless they are a multiple of 32. */
export function parseDigestColumn(bytes: Uint8Array): DigestColumn {
  if (bytes.length % digestBytes !== 0) {
    throw new TidemarkError('malformed', 'a column of digests has a multiple of 32 bytes');
  }
  return bytes as DigestColumn;
}

/** A new column of some digests, in order. */
export function digestsToColumn(digests: readonly Digest[]): DigestColumn {
  const column = new Uint8Array(digests.length * digestBytes);
  for (let i = 0; i < digests.length; i++) column.set(hexToBytes(digests[i]!), i * digestBytes);
  return column as DigestColumn;
}

/** The number of digests, not of bytes. */
export function columnLength(column: DigestColumn): number {
  return column.length / digestBytes;
}

/** A view of digest i (0 <= i < columnLength), not a copy. */
export function columnBytesAt(column: DigestColumn, i: number): Uint8Array {
  return column.subarray(i * digestBytes, (i + 1) * digestBytes);
}

/** Digest i (0 <= i < columnLength) as hex. */
export function columnDigestAt(column: DigestColumn, i: number): Digest {
  return bytesToHex(columnBytesAt(column, i)) as Digest;
}

/** All digests as hex, in order: 64 characters each, so only for columns known to be short. */
export function columnToDigests(column: DigestColumn): Digest[] {
  return Array.from({ length: columnLength(column) }, (_, i) => columnDigestAt(column, i));
}
