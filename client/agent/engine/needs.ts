/** What the engine is made of: everything that touches the world is injected. */
import type { RequestId, WorkspaceId } from '../../../shared/core/ids.ts';
import type { ChangesResponse } from '../../../shared/core/wire/changes.ts';
import type { CommitRequest, CommitResponse } from '../../../shared/core/wire/commit.ts';
import type { Journal } from '../journal/journal.ts';
import type { Folder, Transfer } from '../ports.ts';
import type { ProgressEvent } from './report.ts';

/** The calls of the API that the engine makes itself; content goes through `Transfer`. Errors are TidemarkErrors. */
export interface EngineApi {
  commit(request: CommitRequest, requestId: RequestId, signal?: AbortSignal): Promise<CommitResponse>;
  changes(workspaceId: WorkspaceId, after: number, signal?: AbortSignal): Promise<ChangesResponse>;
}

/** Checks Ed25519 signatures by the server's keys that this device has pinned; false for any other key. */
export interface HeadVerifier {
  verify(keyId: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

export type EngineLogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface EngineNeeds {
  readonly journal: Journal;
  readonly folder: Folder;
  readonly transfer: Transfer;
  readonly api: EngineApi;
  readonly verifier: HeadVerifier;
  readonly clock: { now(): number };
  readonly randomness: { bytes(length: number): Uint8Array };
  readonly log: {
    debug(fields: EngineLogFields, message: string): void;
    info(fields: EngineLogFields, message: string): void;
    warn(fields: EngineLogFields, message: string): void;
  };
  readonly progress: (event: ProgressEvent) => void;
}
