/** Records for tests of metadata stores, made of small numbers: the same number gives the same record. */
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import {
  type Digest,
  type NodeId,
  type RequestId,
  type WorkspaceId,
  digestsToColumn,
  parseDeviceId,
  parseNodeId,
  parseRequestId,
  parseSessionId,
  parseUserId,
  parseWorkspaceId,
} from '../../shared/core/ids.ts';
import type {
  DeviceRecord,
  Head,
  JournalStore,
  RequestRecord,
  SessionRecord,
  VerifiedPack,
  WorkspaceRecord,
} from '../../shared/ports/metadata-store.ts';
import type { PresenceRecord } from '../../shared/ports/presence-store.ts';
import type { QuarantineRecord } from '../../shared/ports/quarantine-store.ts';
import type { VersionRecord } from '../../shared/ports/version-store.ts';

function hex32(n: number): string {
  return n.toString(16).padStart(32, '0');
}

export function digestOf(text: string): Digest {
  return blake3Digest(utf8(text));
}

export const workspaceA: WorkspaceId = parseWorkspaceId(hex32(0xa));
export const workspaceB: WorkspaceId = parseWorkspaceId(hex32(0xb));
export const ann = parseUserId('login.example|ann');
export const bob = parseUserId('login.example|bob');
export const firstHead: Head = {
  seq: 0,
  root: digestOf('empty map'),
  chain: digestOf('start'),
  timeMs: 0,
  tally: { files: 0, bytes: 0 },
};

export function workspaceOf(workspaceId: WorkspaceId, changes: Partial<WorkspaceRecord> = {}): WorkspaceRecord {
  return {
    workspaceId,
    name: 'Plans',
    mode: 'personal',
    policy: 'copy',
    region: 'local',
    createdMs: 1_000,
    members: [
      { userId: bob, role: 'owner' },
      { userId: ann, role: 'viewer' },
    ],
    version: 1,
    deletedMs: null,
    quota: { filesMax: null, bytesMax: null },
    sha256: false,
    ...changes,
  };
}

export function deviceOf(n: number): DeviceRecord {
  return { deviceId: parseDeviceId(hex32(n)), userId: ann, name: `laptop ${n}`, createdMs: n, revokedMs: null };
}

export function sessionOf(n: number, expiresMs: number): SessionRecord {
  return {
    sessionId: parseSessionId(hex32(n)),
    workspaceId: workspaceA,
    userId: ann,
    deviceId: parseDeviceId(hex32(1)),
    createdMs: 500,
    expiresMs,
    packs: digestsToColumn([digestOf(`pack ${n}`), digestOf(`pack ${n}b`)]),
  };
}

/** A verified pack of the chunks with these texts. */
export function packOf(name: string, chunks: readonly string[]): VerifiedPack {
  const packId = digestOf(name);
  const places = chunks.map((_, i) => ({
    packId,
    frameOffset: 8 + i * 100,
    frameStored: 90,
    frameRaw: 4_000_000_000,
    codec: i % 3,
    offset: i,
    length: 10 + i,
  }));
  return { packId, storedBytes: 1_000, etag: `etag of ${name}`, hashes: digestsToColumn(chunks.map(digestOf)), places };
}

export function nodeIdOf(n: number): NodeId {
  return parseNodeId(hex32(n));
}

/** What commit `seq` left of a node: every third one deleted it. */
export function versionOf(nodeId: NodeId, seq: number): VersionRecord {
  const place = { parentId: nodeIdOf(7), name: `\u00e9 ${seq}` };
  const left = seq % 3 === 0 ? { place: null, entry: null } : { place, entry: utf8(`entry ${seq}`) };
  return { nodeId, seq, timeMs: seq * 100, userId: ann, deviceId: parseDeviceId(hex32(1)), ...left };
}

/** The n-th time that a pack was found to be bad. */
export function quarantinedOf(workspaceId: WorkspaceId, pack: string, n: number): QuarantineRecord {
  const packId = digestOf(pack);
  const blobName = `${workspaceId}/${packId.slice(0, 2)}/${packId}.blob-etag${n}`;
  return { workspaceId, packId, blobName, reason: 'a chunk is not what its name says', storedBytes: n, foundMs: n };
}

/** The n-th device of a workspace, heard of at `seenMs`, and kept for an hour. */
export function presenceOf(workspaceId: WorkspaceId, n: number, seenMs: number): PresenceRecord {
  const { deviceId, userId, name } = deviceOf(n);
  const [openedMs, sinceMs, expiresMs] = [seenMs - 2 * n, seenMs - n, seenMs + 3_600_000];
  return {
    workspaceId,
    deviceId,
    userId,
    name,
    state: 'syncing',
    connectionId: `connection ${n}`,
    openedMs,
    sinceMs,
    seenMs,
    expiresMs,
  };
}

export function requestIdOf(n: number): RequestId {
  return parseRequestId(hex32(n));
}

export function requestOf(n: number, expiresMs = 10_000): RequestRecord {
  return { requestId: requestIdOf(n), bodyHash: digestOf(`body ${n}`), answer: utf8(`answer ${n}`), expiresMs };
}

/** A commit after `expected`, told apart from others by `n`. Odd ones keep their edits elsewhere. */
export function commitAfter(expected: Head, n: number, entryBytes = 50): Parameters<JournalStore['append']>[1] {
  const seq = expected.seq + 1;
  return {
    expected,
    next: {
      seq,
      root: digestOf(`root ${n}`),
      chain: digestOf(`chain ${n}`),
      timeMs: n * 10,
      tally: n % 3 === 2 ? null : { files: n, bytes: n * 5_000_000_000 },
    },
    record: {
      seq,
      entry: new Uint8Array(entryBytes).fill(n),
      editsHash: n % 2 === 1 ? digestOf(`edits ${n}`) : null,
    },
    request: requestOf(n),
  };
}
