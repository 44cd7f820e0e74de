/** What transfers need of the server: parts of the SDK's clients, as they are. */
import type { DeviceId, WorkspaceId } from '../../../shared/core/ids.ts';
import type { DownloadSessionRequest, DownloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import type { ManifestReadRequest, ManifestReadResponse } from '../../../shared/core/wire/manifest-read.ts';
import type { UploadSessionRequest, UploadSessionResponse } from '../../../shared/core/wire/upload-session.ts';
import type { Executor } from '../workers/executor.ts';
import type { TransferCount } from '../ports.ts';

export interface TransferApi {
  openUploadSession(request: UploadSessionRequest, signal?: AbortSignal): Promise<UploadSessionResponse>;
  readManifests(request: ManifestReadRequest, signal?: AbortSignal): Promise<ManifestReadResponse>;
  openDownloadSession(request: DownloadSessionRequest, signal?: AbortSignal): Promise<DownloadSessionResponse>;
}

export interface TransferBlobs {
  putPack(url: string, bytes: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'>;
  /** Bytes `from` (inclusive) to `to` (exclusive). */
  getRange(url: string, from: number, to: number, signal: AbortSignal): Promise<Uint8Array>;
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
  /** Shared by uploads and downloads, for people. */
  readonly count: TransferCount;
}

export function createTransferCount(): TransferCount {
  return { bytesSent: 0, bytesReceived: 0, requests: 0, chunksNew: 0, chunksReused: 0 };
}
