/**
 * Metadata: everything small and mutable, or small and looked up by hash. Five stores with one debt in common: when a
 * promise resolves, its effect survives a crash of process and machine; reads see every write that resolved before them.
 */
import type { DeviceId, Digest, DigestColumn, RequestId, SessionId, UserId, WorkspaceId } from '../core/ids.ts';
import type { ConflictPolicy, WorkspaceMode, WorkspaceRole } from '../core/wire/workspace.ts';

export interface WorkspaceRecord {
  readonly workspaceId: WorkspaceId;
  readonly name: string;
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  readonly region: string;
  readonly createdMs: number;
  readonly members: readonly { readonly userId: UserId; readonly role: WorkspaceRole }[];
}

export interface WorkspaceStore {
  /** Creates the workspace, and its head with it, or returns the one that has this id already, unchanged. */
  create(workspace: WorkspaceRecord, head: Head): Promise<WorkspaceRecord>;
  get(workspaceId: WorkspaceId): Promise<WorkspaceRecord | undefined>;
  /** Every workspace of which this user is a member, by creation time. */
  listOfMember(userId: UserId): Promise<readonly WorkspaceRecord[]>;
}

export interface DeviceRecord {
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  readonly name: string;
  readonly createdMs: number;
}

export interface DeviceStore {
  /** Creates the device or returns the one that has this id already, unchanged. */
  register(device: DeviceRecord): Promise<DeviceRecord>;
  get(deviceId: DeviceId): Promise<DeviceRecord | undefined>;
}

/** An upload session: the packs that one negotiation planned. Kept until `expiresMs`. */
export interface SessionRecord {
  readonly sessionId: SessionId;
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly packs: DigestColumn;
}

export interface SessionStore {
  create(session: SessionRecord): Promise<void>;
  /** Undefined when unknown or expired at `nowMs`. Asks by workspace too: a session of another workspace is unknown. */
  get(workspaceId: WorkspaceId, sessionId: SessionId, nowMs: number): Promise<SessionRecord | undefined>;
  /** Forgets sessions that expired before `nowMs`; returns how many. */
  sweep(nowMs: number): Promise<number>;
}

/** Where a chunk lies (see core/pack). Lengths and offsets in bytes. */
export interface ChunkPlace {
  readonly packId: Digest;
  readonly frameOffset: number;
  readonly frameStored: number;
  readonly frameRaw: number;
  readonly codec: number;
  readonly offset: number;
  readonly length: number;
}

export interface VerifiedPack {
  readonly packId: Digest;
  readonly storedBytes: number;
  /** Incarnation of the blob that was verified. */
  readonly etag: string;
  readonly hashes: DigestColumn;
  /** `places[i]` is where chunk i lies; all in this pack. */
  readonly places: readonly ChunkPlace[];
}

/** Which chunks a workspace has, verified, and where. Nothing unverified is ever recorded here. */
export interface ChunkIndex {
  /** By place in `hashes`: where the chunk lies, or undefined. One call, whatever the number. */
  lookUp(workspaceId: WorkspaceId, hashes: DigestColumn): Promise<readonly (ChunkPlace | undefined)[]>;
  /** All of a pack's chunks at once, atomically. Repeating it changes nothing; a chunk that is known keeps its place. */
  record(workspaceId: WorkspaceId, pack: VerifiedPack, nowMs: number): Promise<void>;
  /** Which of some packs are recorded, by place. */
  hasPacks(workspaceId: WorkspaceId, packs: DigestColumn): Promise<readonly boolean[]>;
}

/** Content-addressed small objects: nodes of the tree, manifests by root, segments by hash. */
export const objectKinds = ['node', 'manifest', 'segment'] as const;
export type ObjectKind = (typeof objectKinds)[number];

export interface ObjectStore {
  /** By place: the bytes, or undefined. Kinds and workspaces never mix. */
  getObjects(
    workspaceId: WorkspaceId,
    kind: ObjectKind,
    hashes: readonly Digest[],
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** Stores all; repeating it changes nothing. Not atomic as a whole: harmless, since nothing refers to an object before a commit does. */
  putObjects(workspaceId: WorkspaceId, kind: ObjectKind, objects: ReadonlyMap<Digest, Uint8Array>): Promise<void>;
}

/** The newest journal position. `seq` 0 and the empty map's root before the first commit. */
export interface Head {
  readonly seq: number;
  readonly root: Digest;
  readonly chain: Digest;
}

/** The stored answer to a commit: replays get it again. `bodyHash` tells a replay from another request under the same key. */
export interface RequestRecord {
  readonly requestId: RequestId;
  readonly bodyHash: Digest;
  readonly answer: Uint8Array;
  readonly expiresMs: number;
}

export interface JournalRecord {
  readonly seq: number;
  /** The encoded journal entry; its edits are elsewhere when `editsHash` is set (too large for a metadata row). */
  readonly entry: Uint8Array;
  readonly editsHash: Digest | null;
}

export type AppendResult = 'appended' | 'lost-race' | 'request-exists';

export interface JournalStore {
  getHead(workspaceId: WorkspaceId): Promise<Head | undefined>;
  /**
   * One transaction: if the head is exactly `expected` and the request id is new, the head becomes `next`, the entry is added
   * at `next.seq` = `expected.seq + 1`, and the request is recorded. Otherwise nothing changes.
   */
  append(
    workspaceId: WorkspaceId,
    commit: {
      readonly expected: Head;
      readonly next: Head;
      readonly record: JournalRecord;
      readonly request: RequestRecord;
    },
  ): Promise<AppendResult>;
  /** Records an answer without a commit (a request that changed nothing); 'request-exists' when the id is taken. */
  recordRequest(workspaceId: WorkspaceId, request: RequestRecord): Promise<'recorded' | 'request-exists'>;
  getRequest(workspaceId: WorkspaceId, requestId: RequestId): Promise<RequestRecord | undefined>;
  /** Entries after `afterSeq`, ascending, gap-free, at most `limit`, and at most about `bytesMax` encoded (one at least). */
  list(workspaceId: WorkspaceId, afterSeq: number, limit: number, bytesMax: number): Promise<readonly JournalRecord[]>;
  /** Forgets request records that expired before `nowMs`; returns how many. */
  sweepRequests(nowMs: number): Promise<number>;
}

export interface MetadataStore {
  readonly workspaces: WorkspaceStore;
  readonly devices: DeviceStore;
  readonly sessions: SessionStore;
  readonly chunks: ChunkIndex;
  readonly objects: ObjectStore;
  readonly journal: JournalStore;
}
