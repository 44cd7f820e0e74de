/**
 * Journal entries: one for each commit, gap-free from seq 1, chained and signed.
 *
 * `edits` are the new values of entry keys (tree/keys.ts), null for a key that went; the edits of place keys follow from
 * them. Whoever holds the tree at `previousRoot` can apply them and must come out at `root`.
 *
 * chain(n) = BLAKE3(chain(n-1) || BLAKE3(msgpack [seq, previousRoot, root, timeMs, userId, deviceId, requestId, editsHash])),
 * chain(0) = BLAKE3("tidemark journal v1" || workspaceId); editsHash = BLAKE3(msgpack edits). The signature covers
 * msgpack ["tidemark head v1", workspaceId, seq, previousRoot, root, timeMs, chain], so a server that signed two histories
 * for one seq has proved its own fork. All msgpack here is canonical: integers and lengths in their shortest form.
 *
 * docs/protocol.md has a whole entry byte by byte (section 8): edits, summary, chain, signed bytes, signature.
 */
import { encode } from '@msgpack/msgpack';
import { bytesToHex, concatBytes, utf8 } from '../bytes.ts';
import { blake3, blake3Digest } from '../hash/blake3.ts';
import { type Digest, type WorkspaceId, idToBytes } from '../ids.ts';
import { limits } from '../limits.ts';
import type { SignedHead } from './commit.ts';
import {
  type Schema,
  type ValueOf,
  bytes,
  deviceId,
  digest,
  integer,
  list,
  message,
  optional,
  refuse,
  requestId,
  text,
  userId,
} from './schema.ts';

export interface TreeEdit {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

const key = bytes(limits.mapKeyBytesMax);
const value = optional(bytes(limits.mapValueBytesMax));

/** On the wire two columns, keys and values, sorted by key: `[[key, …], [value, …]]`. */
export const treeEdits: Schema<readonly TreeEdit[]> = {
  form: `treeEdits(${key.form},${value.form})`,
  jsonSchema: (components) => list(jsonEdit, editsMax).jsonSchema(components),
  toWire: (edits) => [edits.map((edit) => edit.key), edits.map((edit) => edit.value)],
  fromWire: (raw, path) => {
    const [keys, values] = editColumns.fromWire(raw, path) as [readonly Uint8Array[], readonly (Uint8Array | null)[]];
    if (keys.length !== values.length) refuse(path, 'as many values as keys');
    return zip(keys, values);
  },
  toJson: (edits) => edits.map((edit) => ({ key: key.toJson(edit.key), value: value.toJson(edit.value) })),
  fromJson: (raw, path) => list(jsonEdit, editsMax).fromJson(raw, path),
};

/** A move of a node is two edits; a swap through a third name stays below that too. */
const editsMax = 2 * limits.commitOperationsMax + 1;
const jsonEdit = message('TreeEdit', { key, value });
const keyColumn = list(key, editsMax);
const valueColumn = list(value, editsMax);
const editColumns: Schema<readonly [readonly Uint8Array[], readonly (Uint8Array | null)[]]> = {
  form: 'editColumns',
  jsonSchema: () => ({}),
  toWire: ([keys, values]) => [keys, values],
  fromWire: (raw, path) => {
    const [keys, values] = Array.isArray(raw) ? (raw as unknown[]) : [];
    return [keyColumn.fromWire(keys, `${path}.keys`), valueColumn.fromWire(values, `${path}.values`)];
  },
  toJson: (columns) => columns,
  fromJson: (raw, path) => editColumns.fromWire(raw, path),
};

function zip(keys: readonly Uint8Array[], values: readonly (Uint8Array | null)[]): TreeEdit[] {
  return keys.map((editKey, i) => ({ key: editKey, value: values[i] ?? null }));
}

export const journalEntry = message('JournalEntry', {
  seq: integer(1),
  previousRoot: digest,
  root: digest,
  timeMs: integer(),
  userId,
  deviceId,
  requestId,
  edits: treeEdits,
  chain: digest,
  keyId: text(64),
  signature: bytes(64),
});
export type JournalEntry = ValueOf<typeof journalEntry>;

/** chain(0): of a workspace without history. */
export function firstChain(workspaceId: WorkspaceId): Digest {
  return blake3Digest(concatBytes(utf8('tidemark journal v1'), idToBytes(workspaceId)));
}

type ChainedFields = Omit<JournalEntry, 'chain' | 'keyId' | 'signature'>;

/** The chain after an entry, given the chain before it. */
export function nextChain(before: Digest, entry: ChainedFields): Digest {
  const summary = encode([
    entry.seq,
    idToBytes(entry.previousRoot),
    idToBytes(entry.root),
    entry.timeMs,
    entry.userId,
    idToBytes(entry.deviceId),
    idToBytes(entry.requestId),
    blake3(encode(treeEdits.toWire(entry.edits))),
  ]);
  return blake3Digest(concatBytes(idToBytes(before), blake3(summary)));
}

/** The bytes that the server signs for a head. */
export function headSignedBytes(
  workspaceId: WorkspaceId,
  head: Pick<SignedHead, 'seq' | 'previousRoot' | 'root' | 'timeMs' | 'chain'>,
): Uint8Array {
  return encode([
    'tidemark head v1',
    idToBytes(workspaceId),
    head.seq,
    idToBytes(head.previousRoot),
    idToBytes(head.root),
    head.timeMs,
    idToBytes(head.chain),
  ]).slice();
}

/** What the key before it signs to hand its trust on to a new Ed25519 key: canonical msgpack ["tidemark key v1", publicKey]. */
export function keyEndorsementBytes(publicKey: Uint8Array): Uint8Array {
  return encode(['tidemark key v1', publicKey]).slice();
}

/** The name of an Ed25519 key for ever: the first 16 hex characters of BLAKE3 of its public key. */
export function signingKeyId(publicKey: Uint8Array): string {
  return bytesToHex(blake3(publicKey)).slice(0, 16);
}
