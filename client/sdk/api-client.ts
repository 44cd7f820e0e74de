/**
 * The HTTP API, typed: one method a route. Bodies are msgpack, LZ4-wrapped where it helps. Every call is retried by the
 * policy while its error says that this may help; all of them are safe to repeat (creations carry a token of the client's,
 * commits an Idempotency-Key).
 */
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import type { DeviceId, RequestId, SessionId, WorkspaceId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import type { Codec } from '../../shared/core/pack/codecs.ts';
import { type ChangesResponse, changesResponse } from '../../shared/core/wire/changes.ts';
import {
  type CommitRequest,
  type CommitResponse,
  commitRequest,
  commitResponse,
} from '../../shared/core/wire/commit.ts';
import {
  type DeviceView,
  type RegisterDeviceRequest,
  deviceView,
  registerDeviceRequest,
} from '../../shared/core/wire/device.ts';
import {
  type DownloadSessionRequest,
  type DownloadSessionResponse,
  downloadSessionRequest,
  downloadSessionResponse,
} from '../../shared/core/wire/download-session.ts';
import { decodeBody, encodeBody, mediaTypes } from '../../shared/core/wire/envelope.ts';
import {
  type ManifestReadRequest,
  type ManifestReadResponse,
  manifestReadRequest,
  manifestReadResponse,
} from '../../shared/core/wire/manifest-read.ts';
import type { Schema } from '../../shared/core/wire/schema.ts';
import { type ServerConfiguration, serverConfiguration } from '../../shared/core/wire/server-info.ts';
import { type TreeListing, treeListing } from '../../shared/core/wire/tree-listing.ts';
import {
  type UploadSessionRequest,
  type UploadSessionResponse,
  uploadSessionRequest,
  uploadSessionResponse,
} from '../../shared/core/wire/upload-session.ts';
import {
  type CreateWorkspaceRequest,
  type WorkspaceView,
  createWorkspaceRequest,
  workspaceList,
  workspaceView,
} from '../../shared/core/wire/workspace.ts';
import { type UploadSessionStatus, uploadSessionStatus } from '../../shared/core/wire/upload-status.ts';
import { readBounded } from './body.ts';
import { type HistoryCalls, historyCalls } from './history-calls.ts';
import { failureToError, responseToError } from './problem.ts';
import { type RetryPolicy, type Waiter, defaultRetryPolicy, withRetry } from './retry.ts';
import { type ServerKey, jwksToServerKeys } from './signatures.ts';
import type { TokenSource } from './tokens.ts';
import type { Transport } from './transport.ts';
import { type WorkspaceCalls, workspaceCalls } from './workspace-calls.ts';

/** What the server's store needs to know to show us what we wrote; opaque, from the newest answer that had one. */
export interface StoreSession {
  token: string | null;
}

export interface ApiClientOptions {
  /** The server's address with its prefix, e.g. `http://127.0.0.1:7071/api`. */
  readonly baseUrl: string;
  readonly transport: Transport;
  readonly tokens: TokenSource;
  /** The device that asks, where it is known: so a revoked one is told wherever it asks. */
  readonly device?: DeviceId;
  readonly lz4: Codec | null;
  readonly waiter: Waiter;
  readonly now: () => number;
  readonly retry?: RetryPolicy;
  /** Kept by the caller, when a later process is to see what this one wrote; by default it ends with the client. */
  readonly session?: StoreSession;
  /** Called with the bytes of each body as it crossed the wire. */
  readonly onTraffic?: (sent: number, received: number) => void;
}

export interface ApiCall<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: Schema<T>;
  readonly anonymous?: boolean;
  /** Asked as a person, whatever device they sit at. */
  readonly isOfNoDevice?: boolean;
}

export interface ApiClient extends WorkspaceCalls, HistoryCalls {
  configuration(signal?: AbortSignal): Promise<ServerConfiguration>;
  /** The keys that the server publishes now, past any cache. */
  signingKeys(signal?: AbortSignal): Promise<readonly ServerKey[]>;
  createWorkspace(request: CreateWorkspaceRequest, signal?: AbortSignal): Promise<WorkspaceView>;
  listWorkspaces(signal?: AbortSignal): Promise<readonly WorkspaceView[]>;
  getWorkspace(workspaceId: WorkspaceId, signal?: AbortSignal): Promise<WorkspaceView>;
  registerDevice(request: RegisterDeviceRequest, signal?: AbortSignal): Promise<DeviceView>;
  openUploadSession(request: UploadSessionRequest, signal?: AbortSignal): Promise<UploadSessionResponse>;
  /** What became of each pack of a session of ours; `staged`: with URLs for staged uploads. */
  uploadSessionStatus(
    workspaceId: WorkspaceId,
    sessionId: SessionId,
    staged: boolean,
    signal?: AbortSignal,
  ): Promise<UploadSessionStatus>;
  /** The same request id and request give the same answer, however often they are sent. */
  commit(request: CommitRequest, requestId: RequestId, signal?: AbortSignal): Promise<CommitResponse>;
  /** One page of journal entries after `after`. */
  changes(workspaceId: WorkspaceId, after: number, signal?: AbortSignal): Promise<ChangesResponse>;
  /** One page of a folder's listing; `path` is `/`-separated, empty for the root. */
  listTree(workspaceId: WorkspaceId, path: string, after: string | null, signal?: AbortSignal): Promise<TreeListing>;
  readManifests(request: ManifestReadRequest, signal?: AbortSignal): Promise<ManifestReadResponse>;
  openDownloadSession(request: DownloadSessionRequest, signal?: AbortSignal): Promise<DownloadSessionResponse>;
}

const never = new AbortController().signal;

export function createApiClient(options: ApiClientOptions): ApiClient {
  const policy = options.retry ?? defaultRetryPolicy;
  const base = options.baseUrl.replace(/\/+$/, '');

  const session = options.session ?? { token: null };

  async function send(path: string, init: RequestInit, signal: AbortSignal): Promise<Uint8Array> {
    let response: Response;
    try {
      response = await options.transport(new Request(base + path, { ...init, signal }));
    } catch (cause) {
      throw failureToError(cause, signal);
    }
    session.token = response.headers.get('tidemark-session') ?? session.token;
    if (!response.ok) throw await responseToError(response, options.now());
    const received = await readBounded(response, limits.requestBytesMax, signal);
    options.onTraffic?.((init.body as Uint8Array | undefined)?.length ?? 0, received.length);
    return received;
  }

  /** A captive portal or a proxy's page is an answer of 200 too: what is not ours is `unavailable`, never data. */
  function decodeAnswer<T>(schema: Schema<T>, body: Uint8Array): T {
    try {
      return decodeBody(schema, body, options.lz4);
    } catch (cause) {
      throw new TidemarkError(
        'unavailable',
        'what answered does not speak this protocol; check the address and for a proxy',
        {
          cause,
        },
      );
    }
  }

  async function once<T>(call: ApiCall<T>, token: string | null, signal: AbortSignal): Promise<T> {
    const headers: Record<string, string> = { accept: mediaTypes.msgpack, ...call.headers };
    if (token !== null) {
      headers['authorization'] = `Bearer ${token}`;
      if (session.token !== null) headers['tidemark-session'] = session.token;
    }
    const isOfDevice = call.anonymous !== true && call.isOfNoDevice !== true;
    if (isOfDevice && options.device !== undefined) headers['tidemark-device'] = options.device;
    if (call.body !== undefined) headers['content-type'] = mediaTypes.msgpack;
    const init: RequestInit = { method: call.method, headers };
    if (call.body !== undefined) init.body = call.body as Uint8Array<ArrayBuffer>;
    return decodeAnswer(call.answer, await send(call.path, init, signal));
  }

  function run<T>(call: ApiCall<T>, signal: AbortSignal = never): Promise<T> {
    return withRetry(policy, options.waiter, signal, async () => {
      if (call.anonymous === true) return once(call, null, signal);
      const token = await options.tokens.token();
      try {
        return await once(call, token, signal);
      } catch (error) {
        if (!isTidemarkError(error, 'unauthenticated')) throw error;
        return once(call, await options.tokens.renew(token), signal);
      }
    });
  }

  const pack = <T>(schema: Schema<T>, value: T) => encodeBody(schema, value, options.lz4);

  return {
    ...workspaceCalls({ run, pack }),
    ...historyCalls({ run, pack }),
    configuration: (signal) =>
      run(
        { method: 'GET', path: '/.well-known/tidemark-configuration', answer: serverConfiguration, anonymous: true },
        signal,
      ),
    signingKeys: (signal = never) =>
      withRetry(policy, options.waiter, signal, async () => {
        const path = '/.well-known/tidemark-keys.json';
        const headers = { accept: mediaTypes.json, 'cache-control': 'no-cache' };
        return jwksToServerKeys(await send(path, { method: 'GET', headers }, signal));
      }),
    createWorkspace: (request, signal) =>
      run(
        { method: 'POST', path: '/workspaces', body: pack(createWorkspaceRequest, request), answer: workspaceView },
        signal,
      ),
    listWorkspaces: async (signal) =>
      (await run({ method: 'GET', path: '/workspaces', answer: workspaceList }, signal)).workspaces,
    getWorkspace: (workspaceId, signal) =>
      run({ method: 'GET', path: `/workspaces/${workspaceId}`, answer: workspaceView }, signal),
    registerDevice: (request, signal) =>
      run(
        {
          method: 'POST',
          path: '/devices',
          body: pack(registerDeviceRequest, request),
          answer: deviceView,
          isOfNoDevice: true,
        },
        signal,
      ),
    openUploadSession: (request, signal) =>
      run(
        {
          method: 'POST',
          path: '/upload/session',
          body: pack(uploadSessionRequest, request),
          answer: uploadSessionResponse,
        },
        signal,
      ),
    uploadSessionStatus: (workspaceId, sessionId, staged, signal) => {
      const query = new URLSearchParams({ workspace: workspaceId, staged: String(staged) });
      const path = `/upload/session/${sessionId}?${query.toString()}`;
      return run({ method: 'GET', path, answer: uploadSessionStatus }, signal);
    },
    commit: (request, requestId, signal) =>
      run(
        {
          method: 'POST',
          path: '/manifest/commit',
          headers: { 'idempotency-key': requestId },
          body: pack(commitRequest, request),
          answer: commitResponse,
        },
        signal,
      ),
    changes: (workspaceId, after, signal) =>
      run(
        { method: 'GET', path: `/workspaces/${workspaceId}/changes?after=${after}`, answer: changesResponse },
        signal,
      ),
    listTree: (workspaceId, path, after, signal) => {
      const query = new URLSearchParams({ path, ...(after === null ? {} : { after }) });
      return run(
        { method: 'GET', path: `/workspaces/${workspaceId}/tree?${query.toString()}`, answer: treeListing },
        signal,
      );
    },
    readManifests: (request, signal) =>
      run(
        {
          method: 'POST',
          path: '/manifest/read',
          body: pack(manifestReadRequest, request),
          answer: manifestReadResponse,
        },
        signal,
      ),
    openDownloadSession: (request, signal) =>
      run(
        {
          method: 'POST',
          path: '/download/session',
          body: pack(downloadSessionRequest, request),
          answer: downloadSessionResponse,
        },
        signal,
      ),
  };
}
