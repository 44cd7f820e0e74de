/** What a sync tells: while it runs, at its end, and in between. Figures are exact counts; time is the caller's to measure. */
import type { Digest } from '../../../shared/core/ids.ts';
import type { ConflictRecord } from '../journal/conflicts-table.ts';
import type { Problem } from '../ports.ts';
import type { EngineState } from './state.ts';

export interface ProgressEvent {
  readonly phase: EngineState['name'];
  /** Files, operations, actions or journal entries: whatever the phase works on. */
  readonly done: number;
  /** Zero where it is not known. */
  readonly total: number;
  readonly bytes: number;
  /** What `bytes` will be at the end of the phase, where that is known. */
  readonly bytesTotal?: number;
  /** The large file that is being moved, in bytes. */
  readonly file?: { readonly path: string; readonly done: number; readonly total: number };
}

export interface SyncReport {
  /** Files in the folder: those of the merge base when all is equal, else those that the last scan saw. */
  readonly files: number;
  /** Bytes of the files that the last scan saw. */
  readonly bytesScanned: number;
  /** Bytes that had to be read because a stat differed. */
  readonly bytesRead: number;
  readonly chunksNew: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
  /** Operations that the server took. */
  readonly operations: number;
  /** Changes carried out on this disk. */
  readonly applied: number;
  /** Conflict copies that came of this sync. */
  readonly conflicts: number;
  /** Edits that were merged with those of other devices. */
  readonly merged: number;
  readonly rounds: number;
  readonly seq: number;
  /** The workspace's mark as followed here. */
  readonly root: Digest;
  /** Whether the server was asked. If it was not, all that is said is about the workspace as it was at `seq`. */
  readonly asked: boolean;
  /** Whether local, synced and remote are equal, to the byte of their marks. Never true by assumption. */
  readonly upToDate: boolean;
  readonly problems: readonly Problem[];
}

export interface SyncStatus {
  readonly state: EngineState;
  readonly seq: number;
  /** The marks of the three trees; null for local and synced in the middle of an interrupted sync, when they have none. */
  readonly marks: { readonly local: Digest | null; readonly synced: Digest | null; readonly remote: Digest };
  /** Nodes that differ on this disk, and on the server, from what was last equal. */
  readonly pending: { readonly local: number; readonly remote: number };
  readonly problems: readonly Problem[];
  readonly conflicts: readonly ConflictRecord[];
  /** Files, links and folders of the workspace that the user chose not to have on this device; what is in those folders is not counted. */
  readonly excluded: number;
  readonly upToDate: boolean;
}

/** Figures of one sync as they grow. */
export interface Tally {
  files: number;
  bytesScanned: number;
  bytesRead: number;
  operations: number;
  applied: number;
  conflicts: number;
  merged: number;
  rounds: number;
}

export function newTally(): Tally {
  return { files: 0, bytesScanned: 0, bytesRead: 0, operations: 0, applied: 0, conflicts: 0, merged: 0, rounds: 0 };
}
