/**
 * The versions of each node, a projection of the journal: derived from its entries, redone from any position, trusted for
 * nothing that a signature covers. It trails the journal; whoever reads it brings it up to date first (services/project-versions).
 */
import type { DeviceId, NodeId, UserId, WorkspaceId } from '../core/ids.ts';
import type { Place } from '../core/tree/keys.ts';

/** What one commit left of one node. */
export interface VersionRecord {
  readonly nodeId: NodeId;
  readonly seq: number;
  readonly timeMs: number;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Where the node was after the commit, and its encoded entry (core/tree/entry); both null when the commit deleted it. */
  readonly place: Place | null;
  readonly entry: Uint8Array | null;
}

export interface VersionStore {
  /** The seq up to which the journal is projected; 0 at first. */
  projectedSeq(workspaceId: WorkspaceId): Promise<number>;
  /**
   * Adds versions of the commits after `fromSeq` up to `toSeq`, and says that the projection has come to `toSeq`. A version is
   * named by (nodeId, seq): storing it again changes nothing. The position moves only from exactly `fromSeq`, after all versions
   * are stored; 'changed' when it is elsewhere. A crash in between leaves versions that are stored again.
   */
  project(
    workspaceId: WorkspaceId,
    fromSeq: number,
    toSeq: number,
    versions: readonly VersionRecord[],
  ): Promise<'projected' | 'changed'>;
  /** Versions of a node with a seq below `beforeSeq`, newest first, at most `limit`. */
  list(workspaceId: WorkspaceId, nodeId: NodeId, beforeSeq: number, limit: number): Promise<readonly VersionRecord[]>;
}
