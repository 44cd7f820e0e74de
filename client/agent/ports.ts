/**
 * What the engine asks of the world: the folder on this disk, and the transfer of content. Real implementations are in
 * folder/ and transfer/ (over FileSystem, worker threads and the SDK); the simulation uses the same code inline over a
 * simulated FileSystem and network.
 */
import type { Entry } from '../../shared/core/tree/entry.ts';
import type { Digest, NodeId, SessionId } from '../../shared/core/ids.ts';
import type { Place } from '../../shared/core/tree/keys.ts';
import type { ContentChunks, LocalNode, StatMark } from './model.ts';

/** The agent's knowledge that a scan compares the disk with: `synced` overlaid with what earlier scans found. Read-only. */
export interface LocalKnowledge {
  /** Children of a folder, by name. */
  childrenOf(folderId: NodeId): readonly LocalNode[];
  /** Nodes that had this inode when last seen. */
  byInode(ino: number, dev: number): readonly LocalNode[];
  get(nodeId: NodeId): LocalNode | undefined;
  /** The path to which an application was bringing the node when it broke off. */
  intendedPath(nodeId: NodeId): string | undefined;
  /** Some files whose content is this, as last seen: a handful, however many there are. */
  byContent(content: Digest): readonly LocalNode[];
  chunksOf(content: Digest): ContentChunks | undefined;
  /** Every chunk list that is known, in no order: of contents that no file has any more, too. Costs a pass over all of them. */
  chunkLists(): Iterable<ContentChunks>;
  /** Whether there is anything that this device chose not to have. */
  hasUnselected(): boolean;
  /** Whether something that this device chose not to have belongs at a place. */
  isUnselectedAt(place: Place): boolean;
  /** Whether the node was ever told to the workspace, or may have been: rules of ignoring do not concern it. */
  isTracked(nodeId: NodeId): boolean;
  /** Whether there may be a known node that is not tracked. */
  hasUntracked(): boolean;
  /** The node that the workspace has at a place. */
  inWorkspace(place: Place): NodeId | undefined;
}

/** Something on the disk that is not as known. Paths are relative to the root, `/`-separated. */
export interface Finding {
  /** `new`: a node nobody knew; `changed`: content, target or executable bits differ; `moved`: same node, other place (content may differ too); `touched`: only the stat differs. */
  readonly change: 'new' | 'changed' | 'moved' | 'touched';
  /** With the stat taken before and after reading (equal, or the file is listed as a problem instead) and the content really read. */
  readonly node: LocalNode;
  readonly path: string;
  /** Chunks of a file read in this scan whose content has more than one chunk. */
  readonly chunks: ContentChunks | null;
  /** SHA-256 of a file read in this scan, where the workspace asks for it. */
  readonly sha256?: Digest | null;
}

export interface Problem {
  readonly path: string;
  /**
   * `busy`: changed while it was read, will be tried again; `unreadable`: no permission or I/O error; `special`: left out on purpose,
   * a FIFO, socket or device, or a link where links are skipped; `name`: not representable in UTF-8 or refused by the server's name rules; `alias`: two names that this workspace
   * treats as one; `blocked`: an application of a remote change found something unexpected and left it alone; `excluded`: it lies
   * where something belongs that this device chose not to have; `rules`: a file of rules of ignoring that cannot be taken.
   */
  readonly code: 'busy' | 'unreadable' | 'special' | 'name' | 'alias' | 'blocked' | 'full' | 'excluded' | 'rules';
  readonly detail: string;
}

export interface ScanReport {
  readonly findings: readonly Finding[];
  /** Known nodes that are on the disk no more, as far as that is proved. Empty unless `complete`: an error while listing proves no absence. */
  readonly missing: readonly NodeId[];
  readonly problems: readonly Problem[];
  /** Whether every folder could be listed. A folder that could not be is a problem, and nothing below it counts as missing. */
  readonly complete: boolean;
  /** False when files were moved about under the scan, so that it proves no absence where they were: it is to be repeated at once. */
  readonly isSettled: boolean;
  /** Whether names that differ only in case or Unicode form are one name on this disk. */
  readonly foldsNames: boolean;
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  /** Bytes that had to be read because the stat differed. */
  readonly bytesRead: number;
}

/** A change for this disk, in an order that can be carried out: folders before what is in them, deletes children first. */
export type ApplyAction =
  | { readonly kind: 'make-folder'; readonly nodeId: NodeId; readonly path: string }
  | {
      readonly kind: 'write-file';
      readonly nodeId: NodeId;
      readonly path: string;
      readonly content: Digest;
      /** Of the content, where the entry tells it: what is written must have it. */
      readonly sha256?: Digest | null;
      readonly size: number;
      readonly mode: number;
      readonly mtimeMs: number;
      /** What must be there now: null for nothing. Anything else found there is left alone and reported `blocked`. */
      readonly expected: StatMark | null;
      /** The content itself, where this device made it: it is not fetched then. */
      readonly bytes?: Uint8Array;
    }
  | {
      readonly kind: 'set-mode';
      readonly nodeId: NodeId;
      readonly path: string;
      readonly mode: number;
      readonly expected: StatMark;
    }
  | {
      readonly kind: 'make-symlink';
      readonly nodeId: NodeId;
      readonly path: string;
      readonly target: string;
      readonly expected: StatMark | null;
    }
  | {
      readonly kind: 'move';
      readonly nodeId: NodeId;
      /** What it is: an inode's number may be given to something else. */
      readonly what: Entry['kind'];
      readonly from: string;
      readonly path: string;
      readonly expected: StatMark;
    }
  | { readonly kind: 'remove-file'; readonly nodeId: NodeId; readonly path: string; readonly expected: StatMark }
  | { readonly kind: 'remove-folder'; readonly nodeId: NodeId; readonly path: string };

export type ApplyResult =
  | {
      readonly nodeId: NodeId;
      readonly done: true;
      readonly stat: StatMark | null;
      /** Of a file that was written and has more than one chunk: the next version is cut, sent and fetched by its difference from these. */
      readonly chunks?: ContentChunks | null;
    }
  | { readonly nodeId: NodeId; readonly done: false; readonly problem: Problem };

/** Figures of the transfer, for people and for `--json`. */
export interface TransferCount {
  bytesSent: number;
  bytesReceived: number;
  requests: number;
  chunksNew: number;
  chunksReused: number;
}

export interface Folder {
  /** Links of the workspace are not made here: the user's choice. They are left out as what is excluded, and no difference. */
  readonly skipsLinks: boolean;
  /** Valid root: it exists, is a folder, and carries the marker of this link. Throws `halted` otherwise. Sweeps temp files of earlier runs. */
  open(): Promise<void>;
  /** Findings are delivered in batches as they come, so that hashing, uploading and scanning overlap and memory stays bounded. */
  scan(
    known: LocalKnowledge,
    found: (batch: readonly Finding[]) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<Omit<ScanReport, 'findings'>>;
  /**
   * Carries actions out. When it resolves, everything reported done survives a power cut. `intend` is called with the paths
   * about to be replaced, before the first of them is touched, and must have journalled them when it resolves.
   */
  apply(
    actions: readonly ApplyAction[],
    knowledge: LocalKnowledge,
    signal: AbortSignal,
  ): Promise<readonly ApplyResult[]>;
  /** A small content whole, verified, from the server; null when the server has it no more. Throws what server and network throw. */
  fetch(wanted: { readonly content: Digest; readonly size: number }, signal: AbortSignal): Promise<Uint8Array | null>;
  /** A small file whole; null when it is not as `expected` any more, or cannot be read. */
  read(path: string, expected: StatMark): Promise<Uint8Array | null>;
  /** What a file of these bytes would be told as. `profileId`: of the version before, 0 for none. */
  describe(bytes: Uint8Array, profileId: number): Promise<DescribedBytes>;
  close(): Promise<void>;
}

/** What there is to tell of a file's bytes. */
export interface DescribedBytes {
  readonly content: Digest;
  /** Null for a content of at most one chunk. */
  readonly chunks: ContentChunks | null;
  /** Null unless the workspace asks for it. */
  readonly sha256: Digest | null;
}

/** A file on this disk whose content is to be on the server. */
export interface Upload {
  readonly path: string;
  readonly content: Digest;
  readonly size: number;
  readonly stat: StatMark;
  /** Null for a content of one chunk. */
  readonly chunks: ContentChunks | null;
}

export interface UploadResult {
  /** To name in the commit. */
  readonly sessions: readonly SessionId[];
  /** Contents that could not be sent because the file changed meanwhile: their operations wait for the next scan. */
  readonly changed: ReadonlySet<Digest>;
}

export interface Transfer {
  /** Negotiates, builds packs and sends them; `proven` tells which chunks the workspace's head has for certain. Resolves when all are stored. */
  upload(files: readonly Upload[], proven: (content: Digest) => boolean, signal: AbortSignal): Promise<UploadResult>;
  readonly count: TransferCount;
}
