/** A client of a running stack, of SDK calls: uploads, commits, and reads back with every hash checked. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { loginForDevelopment } from '../../client/cli/identity.ts';
import { type ApiClient, createApiClient } from '../../client/sdk/api-client.ts';
import { type BlobClient, createBlobClient } from '../../client/sdk/blob-client.ts';
import type { RetryPolicy } from '../../client/sdk/retry.ts';
import { fetchTransport } from '../../client/sdk/transport.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import {
  type DeviceId,
  type Digest,
  type RequestId,
  type SessionId,
  type WorkspaceId,
  bytesToNodeId,
  bytesToRequestId,
  digestsToColumn,
  rootNodeId,
} from '../../shared/core/ids.ts';
import { decodeFrame } from '../../shared/core/pack/pack-reader.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import type { CommitRequest, CommitResponse } from '../../shared/core/wire/commit.ts';

/** No second attempts: these tests want to know what happened to each request. */
const once: RetryPolicy = { attempts: 1, baseMs: 1, capMs: 1, retryAfterMaxMs: 0 };

export function newRequestId(): RequestId {
  return bytesToRequestId(new Uint8Array(randomBytes(16)));
}

export class StackClient {
  readonly api: ApiClient;
  readonly blobs: BlobClient;
  readonly token: string;
  readonly deviceId: DeviceId;

  constructor(api: ApiClient, blobs: BlobClient, token: string, deviceId: DeviceId) {
    this.api = api;
    this.blobs = blobs;
    this.token = token;
    this.deviceId = deviceId;
  }

  async createWorkspace(name: string): Promise<WorkspaceId> {
    const token = new Uint8Array(randomBytes(16));
    const common = { mode: 'personal', policy: 'copy', region: '', sha256: null } as const;
    const view = await this.api.createWorkspace({ token, name, ...common });
    return view.workspaceId;
  }

  /** A pack of one chunk that the server wants: where to put it, and its bytes. */
  async openPack(
    workspaceId: WorkspaceId,
    content: Uint8Array,
  ): Promise<{ readonly url: string; readonly bytes: Uint8Array; readonly sessionId: SessionId }> {
    const hashes = digestsToColumn([blake3Digest(content)]);
    const { deviceId } = this;
    const session = await this.api.openUploadSession({ workspaceId, deviceId, hashes, lengths: [content.length] });
    const { url } = session.packs[0]!;
    const { bytes } = buildPack(nodeCodecs, hashes, () => content);
    return { url, bytes, sessionId: session.sessionId };
  }

  /** A new file of one chunk: resolves once its commit is acknowledged. */
  async putFile(workspaceId: WorkspaceId, name: string, content: Uint8Array): Promise<CommitResponse> {
    const { url, bytes, sessionId } = await this.openPack(workspaceId, content);
    await this.blobs.putPack(url, bytes, new AbortController().signal);
    return this.api.commit(this.newFile(workspaceId, name, content, [sessionId]), newRequestId());
  }

  /** The commit of a new file of one chunk, in the root. */
  newFile(workspaceId: WorkspaceId, name: string, content: Uint8Array, sessions: readonly SessionId[]): CommitRequest {
    const put = {
      kind: 'put' as const,
      nodeId: bytesToNodeId(new Uint8Array(randomBytes(16))),
      parentId: rootNodeId,
      name,
      base: [],
      baseContent: null,
      content: blake3Digest(content),
      size: content.length,
      mode: 0,
      mtimeMs: 0,
      clockMs: 0,
      sha256: null,
      fallback: null,
    };
    return { workspaceId, deviceId: this.deviceId, sessions, manifests: [], segments: [], operations: [put] };
  }

  /** Fetches a chunk and checks it against its hash. Throws when it is not there or is something else. */
  async readChunk(workspaceId: WorkspaceId, digest: Digest): Promise<Uint8Array> {
    const session = await this.api.openDownloadSession({ workspaceId, hashes: digestsToColumn([digest]) });
    const [from, stored] = [session.frameOffset[0]!, session.frameStored[0]!];
    const { url } = session.packs[session.pack[0]!]!;
    const frame = await this.blobs.getRange(url, from, from + stored, new AbortController().signal);
    const plain = decodeFrame(nodeCodecs, session.codec[0]!, frame, session.frameRaw[0]!);
    const offset = session.offset[0]!;
    const chunk = plain.subarray(offset, offset + session.length[0]!);
    assert.equal(blake3Digest(chunk), digest);
    return chunk;
  }
}

export async function openClient(server: string, user: string): Promise<StackClient> {
  const waiter = { sleep: () => Promise.resolve(), random: () => 0 };
  const common = { transport: fetchTransport, waiter, now: () => Date.now(), retry: once };
  const noToken = { token: () => Promise.reject(new Error('none')), renew: () => Promise.reject(new Error('none')) };
  const anonymous = createApiClient({ ...common, baseUrl: server, tokens: noToken, lz4: nodeCodecs.lz4 });
  const { accessToken } = await loginForDevelopment(await anonymous.configuration(), user, Date.now());
  const tokens = { token: () => Promise.resolve(accessToken), renew: () => Promise.reject(new Error('refused')) };
  const api = createApiClient({ ...common, baseUrl: server, tokens, lz4: nodeCodecs.lz4 });
  const { deviceId } = await api.registerDevice({ token: new Uint8Array(randomBytes(16)), name: `${user}'s` });
  return new StackClient(api, createBlobClient(common), accessToken, deviceId);
}
