/** One device of a person: the calls that the agent makes, each as short as a test wants it. */
import assert from 'node:assert/strict';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3, blake3Digest } from '../../../shared/core/hash/blake3.ts';
import {
  type DeviceId,
  type Digest,
  type NodeId,
  type SessionId,
  type WorkspaceId,
  bytesToNodeId,
  bytesToRequestId,
  digestsToColumn,
  parseDigestColumn,
  rootNodeId,
} from '../../../shared/core/ids.ts';
import { buildPack } from '../../../shared/core/pack/pack-writer.ts';
import { decodeEntry, type Entry } from '../../../shared/core/tree/entry.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';
import type { VersionVector } from '../../../shared/core/version-vector.ts';
import { changesResponse } from '../../../shared/core/wire/changes.ts';
import {
  type CommitRequest,
  type CommitResponse,
  commitRequest,
  commitResponse,
} from '../../../shared/core/wire/commit.ts';
import { deviceView, registerDeviceRequest } from '../../../shared/core/wire/device.ts';
import type { JournalEntry } from '../../../shared/core/wire/journal-entry.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import { treeListing } from '../../../shared/core/wire/tree-listing.ts';
import {
  type UploadSessionResponse,
  uploadSessionRequest,
  uploadSessionResponse,
} from '../../../shared/core/wire/upload-session.ts';
import { type WorkspaceView, createWorkspaceRequest, workspaceView } from '../../../shared/core/wire/workspace.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { type Reply, call, must } from './calls.ts';
import type { Person, TestWorld } from './test-world.ts';

export interface NewWorkspace {
  readonly mode?: 'personal' | 'shared';
  readonly policy?: 'copy' | 'latest' | 'merge';
  readonly token?: string;
  readonly sha256?: boolean;
}

/** 16 bytes that follow from a text. */
export function idBytesOf(text: string): Uint8Array {
  return blake3(utf8(text)).slice(0, 16);
}

/** A node id that follows from a text, so that tests can name nodes. */
export function nodeOf(text: string): NodeId {
  return bytesToNodeId(idBytesOf(`node ${text}`));
}

export function createWorkspaceAs(
  world: TestWorld,
  person: Person,
  options: NewWorkspace = {},
): Promise<WorkspaceView> {
  const { mode = 'personal', policy = 'copy', token = 'workspace', sha256 = null } = options;
  const value = { token: idBytesOf(token), name: 'Papers', mode, policy, region: '', sha256 };
  return must(
    call(world.api, {
      token: person,
      path: '/workspaces',
      request: [createWorkspaceRequest, value],
      response: workspaceView,
    }),
  );
}

export const noHashes = parseDigestColumn(new Uint8Array(0));

/** Chunks cut by the test itself: the API never sees how. */
export interface Upload {
  readonly session: UploadSessionResponse;
  readonly hashes: readonly Digest[];
}

export class TestDevice {
  readonly world: TestWorld;
  readonly person: Person;
  readonly deviceId: DeviceId;
  readonly workspaceId: WorkspaceId;
  #requests = 0;

  constructor(world: TestWorld, person: Person, workspaceId: WorkspaceId, deviceId: DeviceId) {
    this.world = world;
    this.person = person;
    this.workspaceId = workspaceId;
    this.deviceId = deviceId;
  }

  static async register(world: TestWorld, person: Person, workspaceId: WorkspaceId, name: string): Promise<TestDevice> {
    const value = { token: idBytesOf(`${person} ${name}`), name };
    const device = await must(
      call(world.api, {
        token: person,
        path: '/devices',
        request: [registerDeviceRequest, value],
        response: deviceView,
      }),
    );
    return new TestDevice(world, person, workspaceId, device.deviceId);
  }

  openSession(chunks: readonly Uint8Array[]): Promise<Reply<UploadSessionResponse>> {
    const { workspaceId, deviceId } = this;
    const hashes = digestsToColumn(chunks.map(blake3Digest));
    const value = { workspaceId, deviceId, hashes, lengths: chunks.map((chunk) => chunk.length) };
    return call(this.world.api, {
      token: this.person,
      path: '/upload/session',
      request: [uploadSessionRequest, value],
      response: uploadSessionResponse,
    });
  }

  /** Negotiates, builds the packs that are asked for, and puts them. Nothing verifies them yet. */
  async upload(...chunks: readonly Uint8Array[]): Promise<Upload> {
    const session = await must(this.openSession(chunks));
    for (const plan of session.packs) {
      const places = session.missing.slice(plan.first, plan.first + plan.count);
      const packed = places.map((place) => chunks[place]!);
      const pack = buildPack(nodeCodecs, digestsToColumn(packed.map(blake3Digest)), (i) => packed[i]!);
      assert.equal(pack.packId, plan.packId);
      assert.equal((await this.putBlob(plan.url, pack.bytes)).status, 201);
    }
    return { session, hashes: chunks.map(blake3Digest) };
  }

  putBlob(url: string, bytes: Uint8Array): Promise<Response> {
    const headers = { 'x-ms-blob-type': 'BlockBlob' };
    return this.world.blobs.fetch(new Request(url, { method: 'PUT', headers, body: bytes as Uint8Array<ArrayBuffer> }));
  }

  request(operations: readonly Operation[], more: Partial<CommitRequest> = {}): CommitRequest {
    const { workspaceId, deviceId } = this;
    return { workspaceId, deviceId, sessions: [], manifests: [], segments: [], operations, ...more };
  }

  send(request: CommitRequest, key?: string): Promise<Reply<CommitResponse>> {
    const requestId = bytesToRequestId(idBytesOf(key ?? `${this.deviceId} request ${this.#requests++}`));
    return call(this.world.api, {
      token: this.person,
      path: '/manifest/commit',
      request: [commitRequest, request],
      response: commitResponse,
      headers: { 'idempotency-key': requestId },
    });
  }

  commit(...operations: readonly Operation[]): Promise<CommitResponse> {
    return must(this.send(this.request(operations)));
  }

  /** The content as one chunk, uploaded; the put that refers to it is committed with its session. */
  async commitPut(put: PutOptions): Promise<CommitResponse> {
    const content = utf8(put.text);
    const { session } = content.length === 0 ? { session: undefined } : await this.upload(content);
    const sessions: SessionId[] = session === undefined ? [] : [session.sessionId];
    return must(this.send(this.request([putOperation(put)], { sessions })));
  }

  changes(after = 0): Promise<Reply<{ headSeq: number; entries: readonly JournalEntry[]; more: boolean }>> {
    const path = `/workspaces/${this.workspaceId}/changes?after=${after}`;
    return call(this.world.api, { token: this.person, path, response: changesResponse });
  }

  async list(path = ''): Promise<ReadonlyMap<string, Entry>> {
    const query = new URLSearchParams({ path });
    const listing = await must(
      call(this.world.api, {
        token: this.person,
        path: `/workspaces/${this.workspaceId}/tree?${query.toString()}`,
        response: treeListing,
      }),
    );
    return new Map(listing.items.map(({ name, entry }) => [name, decodeEntry(entry)]));
  }
}

export interface PutOptions {
  readonly node: string | NodeId;
  readonly name: string;
  readonly text: string;
  readonly in?: NodeId;
  readonly base?: VersionVector;
  readonly baseText?: string;
  readonly mode?: number;
  readonly sha256?: Digest;
  readonly fallback?: boolean;
}

const clockMs = Date.UTC(2026, 10, 22);

function idOf(node: string | NodeId): NodeId {
  return /^[0-9a-f]{32}$/.test(node) ? (node as NodeId) : nodeOf(node);
}

export function putOperation(put: PutOptions): Operation {
  const content = utf8(put.text);
  return {
    kind: 'put',
    nodeId: idOf(put.node),
    parentId: put.in ?? rootNodeId,
    name: put.name,
    base: put.base ?? [],
    baseContent: put.baseText === undefined ? null : blake3Digest(utf8(put.baseText)),
    content: blake3Digest(content),
    size: content.length,
    mode: put.mode ?? 0,
    mtimeMs: 0,
    clockMs,
    sha256: put.sha256 ?? null,
    fallback: put.fallback ?? null,
  };
}

export function mkdirOperation(
  node: string | NodeId,
  name: string,
  parentId = rootNodeId,
  base: VersionVector = [],
): Operation {
  return { kind: 'mkdir', nodeId: idOf(node), parentId, name, base, mtimeMs: 0, clockMs };
}

export function symlinkOperation(node: string, name: string, target: string, base: VersionVector = []): Operation {
  const nodeId = nodeOf(node);
  return { kind: 'symlink', nodeId, parentId: rootNodeId, name, base, baseTarget: null, target, mtimeMs: 0, clockMs };
}

export function moveOperation(node: string | NodeId, from: Place, to: Place, base: VersionVector): Operation {
  return { kind: 'move', nodeId: idOf(node), parentId: to.parentId, name: to.name, base, basePlace: from, clockMs };
}

export function deleteOperation(node: string | NodeId, base: VersionVector): Operation {
  return { kind: 'delete', nodeId: idOf(node), base, clockMs };
}

export function inRoot(name: string): Place {
  return { parentId: rootNodeId, name };
}
