/**
 * Metadata: everything small and mutable, or small and looked up by hash. Stores with one debt in common: when a promise
 * resolves, its effect survives a crash of process and machine; reads see every write that resolved before them (on a store
 * with session consistency: within one request scope, see request-scope.ts). Everything that belongs to a workspace is kept
 * so that no two workspaces ever share a row.
 */
import type { DeviceId, Digest, DigestColumn, RequestId, SessionId, UserId, WorkspaceId } from '../core/ids.ts';
import type { ConflictPolicy, WorkspaceMode, WorkspaceRole } from '../core/wire/workspace.ts';
import type { LeaseStore } from './lease-store.ts';
import type { PresenceStore } from './presence-store.ts';
import type { QuarantineStore } from './quarantine-store.ts';
import type { VersionStore } from './version-store.ts';

/** What a tree may hold at most; null: no bound. Bytes are the plain sizes of the files that stand in it. */
export interface Quota {
  readonly filesMax: number | null;
  readonly bytesMax: number | null;
}

export interface WorkspaceMember {
  readonly userId: UserId;
  readonly role: WorkspaceRole;
}

export interface WorkspaceRecord {
  readonly workspaceId: WorkspaceId;
  readonly name: string;
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  readonly region: string;
  readonly createdMs: number;
  readonly members: readonly WorkspaceMember[];
  /** 1 when created, one more with each replacement: what an ETag names. */
  readonly version: number;
  /** When it was deleted; it can be brought back until `deletedWorkspaceSeconds` later, and is swept then. */
  readonly deletedMs: number | null;
  readonly quota: Quota;
  /** Whether each file's entry must tell the SHA-256 of its content. */
  readonly sha256: boolean;
}

export interface WorkspaceStore {
  /** Creates the workspace, and its head with it, or returns the one that has this id already, unchanged. */
  create(workspace: WorkspaceRecord, head: Head): Promise<WorkspaceRecord>;
  get(workspaceId: WorkspaceId): Promise<WorkspaceRecord | undefined>;
  /** Every workspace of which this user is a member, deleted ones too, by creation time. */
  listOfMember(userId: UserId): Promise<readonly WorkspaceRecord[]>;
  /** Replaces the record whose version is `workspace.version - 1`, members included; 'changed' when there is no such record. */
  replace(workspace: WorkspaceRecord): Promise<'replaced' | 'changed'>;
  /** All workspaces with ids after this one, deleted ones too, ascending by id, at most `limit`: for operators. */
  listAll(after: WorkspaceId | null, limit: number): Promise<readonly WorkspaceRecord[]>;
}

export interface DeviceRecord {
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  readonly name: string;
  readonly createdMs: number;
  /** When its owner took its access away; for ever. */
  readonly revokedMs: number | null;
}

export interface DeviceStore {
  /** Creates the device or returns the one that has this id already, unchanged. */
  register(device: DeviceRecord): Promise<DeviceRecord>;
  get(deviceId: DeviceId): Promise<DeviceRecord | undefined>;
  /** Every device of this user, revoked ones too, by creation time. */
  listOfUser(userId: UserId): Promise<readonly DeviceRecord[]>;
  /** Marks it as revoked, once: a repeat keeps the first time. Undefined when there is no such device. */
  revoke(deviceId: DeviceId, nowMs: number): Promise<DeviceRecord | undefined>;
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

export interface PackRecord {
  readonly packId: Digest;
  readonly storedBytes: number;
  readonly etag: string;
  readonly recordedMs: number;
}

/** Which chunks a workspace has, verified, and where. Nothing unverified is ever recorded here. */
export interface ChunkIndex {
  /** By place in `hashes`: where the chunk lies, or undefined. One call, whatever the number. */
  lookUp(workspaceId: WorkspaceId, hashes: DigestColumn): Promise<readonly (ChunkPlace | undefined)[]>;
  /**
   * A pack with all its chunks. The pack counts as recorded (`hasPacks`) only once each of its chunks is known. Repeating it adds
   * what is not known, and renews the pack's own record; a chunk that is known keeps its place.
   */
  record(workspaceId: WorkspaceId, pack: VerifiedPack, nowMs: number): Promise<void>;
  /** Which of some packs are recorded, by place. */
  hasPacks(workspaceId: WorkspaceId, packs: DigestColumn): Promise<readonly boolean[]>;
  /** Recorded packs with ids after this one, ascending, at most `limit`. */
  listPacks(workspaceId: WorkspaceId, after: Digest | null, limit: number): Promise<readonly PackRecord[]>;
  /**
   * Forgets a pack and every chunk whose place is in it. A chunk that lies in another recorded pack too is unknown then until that
   * pack is recorded again: whoever forgets packs records the others anew (services/admin/rebuild-index).
   */
  forgetPack(workspaceId: WorkspaceId, packId: Digest): Promise<void>;
  /** Recorded packs, their chunks, and the bytes that the packs take in storage. */
  usage(
    workspaceId: WorkspaceId,
  ): Promise<{ readonly packs: number; readonly chunks: number; readonly storedBytes: number }>;
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

/** What stands in a tree: files, and the sum of their sizes in bytes. */
export interface TreeTally {
  readonly files: number;
  readonly bytes: number;
}

/** The newest journal position. `seq` 0 and the empty map's root before the first commit. */
export interface Head {
  readonly seq: number;
  readonly root: Digest;
  readonly chain: Digest;
  /** The time of the newest entry, 0 before the first: entries of one journal never go back in time. */
  readonly timeMs: number;
  /** Null in a head that was written before tallies were kept: the next commit counts anew. */
  readonly tally: TreeTally | null;
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
   * One transaction: if the head is at the seq, root and chain of `expected` and the request id is new, the head becomes `next`, the entry is added
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
  /**
   * Forgets what a workspace has, in steps of about `limit` rows: its chunks, objects, journal, requests, sessions, versions,
   * quarantine records and presence, and last its head and its record. 'more' until nothing is left. Safe to repeat after a crash.
   */
  purgeWorkspace(workspaceId: WorkspaceId, limit: number): Promise<'more' | 'done'>;
  readonly workspaces: WorkspaceStore;
  readonly devices: DeviceStore;
  readonly sessions: SessionStore;
  readonly chunks: ChunkIndex;
  readonly objects: ObjectStore;
  readonly journal: JournalStore;
  readonly versions: VersionStore;
  readonly quarantine: QuarantineStore;
  readonly leases: LeaseStore;
  readonly presence: PresenceStore;
}
