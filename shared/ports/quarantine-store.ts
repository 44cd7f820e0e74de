/** What lies in quarantine, and why: for the upload session that has to say `rejected`, and for the operator who decides. */
import type { Digest, WorkspaceId } from '../core/ids.ts';

export interface QuarantineRecord {
  readonly workspaceId: WorkspaceId;
  readonly packId: Digest;
  /** The blob's name in the container `quarantine`. */
  readonly blobName: string;
  /** What verification found: one sentence, without bytes or URLs. */
  readonly reason: string;
  readonly storedBytes: number;
  readonly foundMs: number;
}

export interface QuarantineStore {
  /** By (workspace, blob name): recording it again changes nothing. */
  record(record: QuarantineRecord): Promise<void>;
  get(workspaceId: WorkspaceId, blobName: string): Promise<QuarantineRecord | undefined>;
  /** One workspace's records, by blob name, after this one, at most `limit`. */
  list(workspaceId: WorkspaceId, after: string | null, limit: number): Promise<readonly QuarantineRecord[]>;
  /** Which of some packs are in quarantine, by place: when they were last found to be bad, or undefined. */
  foundMs(workspaceId: WorkspaceId, packs: readonly Digest[]): Promise<readonly (number | undefined)[]>;
  /** 'missing' when there is no such record. */
  remove(workspaceId: WorkspaceId, blobName: string): Promise<'removed' | 'missing'>;
}
