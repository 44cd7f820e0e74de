/** What a scan is done over. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { FileSystem } from '../file-system.ts';
import type { LocalKnowledge } from '../ports.ts';
import type { Executor } from '../workers/executor.ts';

export interface ScanSetting {
  readonly fs: FileSystem;
  readonly executor: Executor;
  readonly root: string;
  readonly known: LocalKnowledge;
  readonly parked: ReadonlySet<NodeId>;
  readonly newNodeId: () => NodeId;
  /** Cut at fixed places, for the least CPU time. */
  readonly preferFixed: boolean;
  readonly wantsSha256: boolean;
  /** Whether symlinks are left out. */
  readonly skipsLinks: boolean;
}
