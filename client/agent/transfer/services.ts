/** What transfers need of the server: parts of the SDK's clients, as they are. */
import type { DeviceId, Digest, SessionId, WorkspaceId } from '../../../shared/core/ids.ts';
import type { DownloadSessionRequest, DownloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import type { ManifestReadRequest, ManifestReadResponse } from '../../../shared/core/wire/manifest-read.ts';
import type { UploadSessionRequest, UploadSessionResponse } from '../../../shared/core/wire/upload-session.ts';
import type { UploadSessionStatus } from '../../../shared/core/wire/upload-status.ts';
import type { Executor } from '../workers/executor.ts';
import type { TransferCount } from '../ports.ts';
import type { TransferBuffers } from './buffers.ts';
import type { TransferProgress } from './moved-bytes.ts';

export interface TransferApi {
  openUploadSession(request: UploadSessionRequest, signal?: AbortSignal): Promise<UploadSessionResponse>;
  uploadSessionStatus(
    workspaceId: WorkspaceId,
    sessionId: SessionId,
    staged: boolean,
    signal?: AbortSignal,
  ): Promise<UploadSessionStatus>;
  readManifests(request: ManifestReadRequest, signal?: AbortSignal): Promise<ManifestReadResponse>;
  openDownloadSession(request: DownloadSessionRequest, signal?: AbortSignal): Promise<DownloadSessionResponse>;
}

export interface TransferBlobs {
  /** In at most so many tries; by default as many as the policy of retries has. */
  putPack(url: string, bytes: Uint8Array, signal: AbortSignal, attempts?: number): Promise<'created' | 'exists'>;
  stageBlock(url: string, hash: Digest, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  commitBlocks(url: string, hashes: readonly Digest[], signal: AbortSignal): Promise<'created' | 'unknown-block'>;
  /** Bytes `from` (inclusive) to `to` (exclusive); in `into`, from its beginning, where it has room for them. */
  getRange(url: string, from: number, to: number, signal: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
}

/** The parts of a transfer of one synced folder. */
export interface TransferSetting {
  readonly api: TransferApi;
  readonly blobs: TransferBlobs;
  readonly executor: Executor;
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  /** Of the synced folder. */
  readonly root: string;
  readonly buffers: TransferBuffers;
  /** Shared by uploads and downloads, for people. */
  readonly count: TransferCount;
  /** Called as bytes arrive where they are to be. */
  readonly progress?: (progress: TransferProgress) => void;
  /** Called as packs of an upload session arrive: how many percent of the bytes it planned are there. */
  readonly sessionProgress?: (sessionId: SessionId, percent: number) => void;
}

export function createTransferCount(): TransferCount {
  return { bytesSent: 0, bytesReceived: 0, requests: 0, chunksNew: 0, chunksReused: 0 };
}
