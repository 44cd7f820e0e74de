/** For every route of the API one request about a subject that its owner, or the operator, may make. */
import { encode } from '@msgpack/msgpack';
import { type Digest, digestsToColumn, idToBytes } from '../../../shared/core/ids.ts';
import { mediaTypes } from '../../../shared/core/wire/envelope.ts';
import { idBytesOf } from '../world/test-device.ts';
import { type Subject, secretOf } from './subject.ts';

export interface RouteRequest {
  /** With its query. */
  readonly path: string;
  /** As on the wire. */
  readonly body?: readonly unknown[];
}

const column = (...hashes: readonly Digest[]) => digestsToColumn(hashes);

/** New content, a new folder, an edit that names another's base, a move and a delete: every kind of operation, every id. */
function commitBody(s: Subject): readonly unknown[] {
  const [device, node] = [idToBytes(s.deviceId), idToBytes(s.nodeId)];
  const base = [[device, 1]];
  const name = (text: string) => `${text} ${s.person}`;
  const operations = [
    [
      0,
      idBytesOf(name('new')),
      idToBytes(s.folderId),
      'new',
      [],
      null,
      idToBytes(s.chunk),
      s.chunkBytes,
      0,
      0,
      0,
      null,
      null,
    ],
    [1, idBytesOf(name('dir')), idToBytes(s.folderId), 'dir', [], 0, 0],
    [2, idBytesOf(name('link')), idToBytes(s.folderId), 'link', [], null, 'target', 0, 0],
    [3, node, idToBytes(s.folderId), 'moved', base, [new Uint8Array(16), `${secretOf(s.person)}.bin`], 0],
    [4, idToBytes(s.smallId), base, 0],
  ];
  return [idToBytes(s.workspaceId), device, [idToBytes(s.sessionId)], [], [], operations];
}

export const requests: Readonly<Record<string, (s: Subject) => RouteRequest>> = {
  'POST /workspaces': ({ person }) => ({ path: '/workspaces', body: [idBytesOf(`${person} new`), 'New', 0, 0, ''] }),
  'GET /workspaces': () => ({ path: '/workspaces?deleted=true' }),
  'GET /workspaces/{ws}': (s) => ({ path: `/workspaces/${s.workspaceId}` }),
  'PATCH /workspaces/{ws}': (s) => ({ path: `/workspaces/${s.workspaceId}`, body: ['Renamed', 0, 0, false] }),
  'DELETE /workspaces/{ws}': (s) => ({ path: `/workspaces/${s.workspaceId}` }),
  'GET /workspaces/{ws}/members': (s) => ({ path: `/workspaces/${s.workspaceId}/members` }),
  'PUT /workspaces/{ws}/members/{userId}': (s) => ({
    path: `/workspaces/${s.workspaceId}/members/test%7Cnewcomer`,
    body: [1],
  }),
  'DELETE /workspaces/{ws}/members/{userId}': (s) => ({ path: `/workspaces/${s.workspaceId}/members/test%7Cbob` }),
  'POST /devices': ({ person }) => ({ path: '/devices', body: [idBytesOf(`${person} new device`), 'New'] }),
  'GET /devices': () => ({ path: '/devices' }),
  'DELETE /devices/{device}': (s) => ({ path: `/devices/${s.deviceId}` }),
  'POST /upload/session': (s) => ({
    path: '/upload/session',
    body: [idToBytes(s.workspaceId), idToBytes(s.deviceId), column(s.chunk), [s.chunkBytes]],
  }),
  'GET /upload/session/{session}': (s) => ({ path: `/upload/session/${s.sessionId}?workspace=${s.workspaceId}` }),
  'POST /download/session': (s) => ({
    path: '/download/session',
    body: [idToBytes(s.workspaceId), column(s.chunk)],
  }),
  'POST /manifest/commit': (s) => ({ path: '/manifest/commit', body: commitBody(s) }),
  'POST /manifest/read': (s) => ({
    path: '/manifest/read',
    body: [idToBytes(s.workspaceId), column(s.root), column(s.segment)],
  }),
  'POST /manifest/proof': (s) => ({
    path: '/manifest/proof',
    body: [idToBytes(s.workspaceId), idToBytes(s.root), 0, 1],
  }),
  'POST /manifest/verify': (s) => ({
    path: '/manifest/verify',
    body: [idToBytes(s.workspaceId), idToBytes(s.root), null],
  }),
  'GET /workspaces/{ws}/changes': (s) => ({ path: `/workspaces/${s.workspaceId}/changes?after=0` }),
  'GET /workspaces/{ws}/tree': (s) => ({ path: `/workspaces/${s.workspaceId}/tree?at=${s.seq}` }),
  'POST /tree/sync': (s) => ({ path: '/tree/sync', body: [idToBytes(s.workspaceId), column(s.mark)] }),
  'GET /workspaces/{ws}/nodes/{node}/versions': (s) => ({
    path: `/workspaces/${s.workspaceId}/nodes/${s.nodeId}/versions`,
  }),
  'POST /workspaces/{ws}/restore': (s) => ({
    path: `/workspaces/${s.workspaceId}/restore`,
    body: [idToBytes(s.deviceId), s.seq - 1, null, idToBytes(s.nodeId), null],
  }),
  'POST /realtime/negotiate': (s) => ({
    path: '/realtime/negotiate',
    body: [[[idToBytes(s.workspaceId), idToBytes(s.deviceId)]]],
  }),
  'GET /workspaces/{ws}/presence': (s) => ({ path: `/workspaces/${s.workspaceId}/presence` }),
  'GET /operator/usage': (s) => ({ path: `/operator/usage?workspace=${s.workspaceId}` }),
  'PUT /operator/workspaces/{ws}/quota': (s) => ({
    path: `/operator/workspaces/${s.workspaceId}/quota`,
    body: [5, 50],
  }),
  'POST /operator/fsck': (s) => ({
    path: '/operator/fsck',
    body: [idToBytes(s.workspaceId), null, false, false],
  }),
  'POST /operator/rebuild-index': (s) => ({ path: '/operator/rebuild-index', body: [idToBytes(s.workspaceId), null] }),
  'GET /operator/quarantine': (s) => ({ path: `/operator/quarantine?workspace=${s.workspaceId}` }),
  'POST /operator/quarantine/release': (s) => ({
    path: '/operator/quarantine/release',
    body: [idToBytes(s.workspaceId), s.quarantined],
  }),
  'POST /operator/quarantine/purge': (s) => ({
    path: '/operator/quarantine/purge',
    body: [idToBytes(s.workspaceId), s.quarantined],
  }),
  'GET /operator/incidents': (s) => ({ path: `/operator/incidents?workspace=${s.workspaceId}` }),
  'GET /operator/feed': () => ({ path: '/operator/feed' }),
  'GET /operator/poison': () => ({ path: '/operator/poison' }),
  'GET /health': () => ({ path: '/health' }),
  'GET /.well-known/tidemark-configuration': () => ({ path: '/.well-known/tidemark-configuration' }),
  'GET /.well-known/tidemark-keys.json': () => ({ path: '/.well-known/tidemark-keys.json' }),
  'GET /openapi.json': () => ({ path: '/openapi.json' }),
  'GET /docs': () => ({ path: '/docs' }),
};

/** Nobody has ever used it as a key. */
const freshKey = 'f0'.repeat(16);

/** The request as somebody sends it: with a new Idempotency-Key, If-Match of anything, and the answer as JSON, which tests can read. */
export function toRequest(
  route: string,
  { path, body }: RouteRequest,
  token: string | null,
  headers: Readonly<Record<string, string>> = {},
): Request {
  const [method] = route.split(' ') as [string, string];
  const sent = new Headers({ accept: mediaTypes.json, 'idempotency-key': freshKey, 'if-match': '*', ...headers });
  if (token !== null) sent.set('authorization', `Bearer ${token}`);
  const init: RequestInit = { method, headers: sent };
  if (body !== undefined) {
    sent.set('content-type', mediaTypes.msgpack);
    init.body = encode(body).slice();
  }
  return new Request(`https://tidemark.test/api${path}`, init);
}
