/** What the engine is made of: everything that touches the world is injected. */
import type { RequestId, WorkspaceId } from '../../../shared/core/ids.ts';
import type { ChangesResponse } from '../../../shared/core/wire/changes.ts';
import type { CommitRequest, CommitResponse } from '../../../shared/core/wire/commit.ts';
import type { DeviceView } from '../../../shared/core/wire/device.ts';
import type { WorkspaceView } from '../../../shared/core/wire/workspace.ts';
import type { Journal } from '../journal/journal.ts';
import type { Folder, Transfer } from '../ports.ts';
import type { ProgressEvent } from './report.ts';

/** The calls of the API that the engine makes itself; content goes through `Transfer`. Errors are TidemarkErrors. */
export interface EngineApi {
  commit(request: CommitRequest, requestId: RequestId, signal?: AbortSignal): Promise<CommitResponse>;
  changes(workspaceId: WorkspaceId, after: number, signal?: AbortSignal): Promise<ChangesResponse>;
  /** The server's keys as it publishes them at this moment. */
  signingKeys(signal?: AbortSignal): Promise<readonly ServerKey[]>;
  /** For the policy by which conflicts are settled here, and this device's name, by which the server names conflict copies. */
  getWorkspace(workspaceId: WorkspaceId, signal?: AbortSignal): Promise<Pick<WorkspaceView, 'policy'>>;
  listDevices(signal?: AbortSignal): Promise<readonly Pick<DeviceView, 'deviceId' | 'name'>[]>;
}

/** A key as the server shows it: nothing of it has been checked. */
export interface ServerKey {
  readonly keyId: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** By the key before it, over keyEndorsementBytes; null for a first key. */
  readonly endorsement: { readonly keyId: string; readonly signature: Uint8Array } | null;
}

/** Whether Ed25519 says that the holder of the key (32 bytes) signed the bytes. */
export type VerifySignature = (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean>;

export type EngineLogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface EngineNeeds {
  readonly journal: Journal;
  readonly folder: Folder;
  readonly transfer: Transfer;
  readonly api: EngineApi;
  readonly verify: VerifySignature;
  readonly clock: { now(): number };
  readonly randomness: { bytes(length: number): Uint8Array };
  /** Resolves after so many milliseconds, or rejects with the signal's reason. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: {
    debug(fields: EngineLogFields, message: string): void;
    info(fields: EngineLogFields, message: string): void;
    warn(fields: EngineLogFields, message: string): void;
  };
  readonly progress: (event: ProgressEvent) => void;
}
