/** Every route with bad input: a problem with a stable code, no stack, nothing written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode, encode } from '@msgpack/msgpack';
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { digestsToColumn, idToBytes, rootNodeId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { commitRequest } from '../../shared/core/wire/commit.ts';
import { registerDeviceRequest } from '../../shared/core/wire/device.ts';
import { downloadSessionRequest } from '../../shared/core/wire/download-session.ts';
import { mediaTypes } from '../../shared/core/wire/envelope.ts';
import { manifestReadRequest } from '../../shared/core/wire/manifest-read.ts';
import { negotiateRequest } from '../../shared/core/wire/realtime-negotiate.ts';
import type { Schema } from '../../shared/core/wire/schema.ts';
import { uploadSessionRequest } from '../../shared/core/wire/upload-session.ts';
import { createWorkspaceRequest } from '../../shared/core/wire/workspace.ts';
import { readProblem } from './world/calls.ts';
import {
  TestDevice,
  createWorkspaceAs,
  deleteOperation,
  idBytesOf,
  nodeOf,
  noHashes,
  putOperation,
  symlinkOperation,
} from './world/test-device.ts';
import { type Person, type TestWorld, createTestWorld } from './world/test-world.ts';
import { notingWrites } from './world/write-log.ts';

interface Scene {
  readonly world: TestWorld;
  readonly writes: string[];
  readonly ann: TestDevice;
  readonly bob: TestDevice;
  /** A valid message of every POST route, by path. */
  readonly valid: Readonly<Record<string, unknown>>;
}

async function setScene(): Promise<Scene> {
  const writes: string[] = [];
  const world = createTestWorld({ adapt: (deps) => notingWrites(deps, writes) });
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const bobs = await createWorkspaceAs(world, 'bob');
  const bob = await TestDevice.register(world, 'bob', bobs.workspaceId, 'phone');
  await ann.commitPut({ node: 'f', name: 'f.txt', text: 'content' });
  await bob.commitPut({ node: 'g', name: 'g.txt', text: 'secret of bob' });
  const { deviceId } = ann;
  const hashes = digestsToColumn([blake3Digest(utf8('content'))]);
  const wire = <T>(schema: Schema<T>, value: T): unknown => schema.toWire(value);
  /** Without a last field that may be left out. */
  const required = (fields: unknown): unknown => (fields as unknown[]).slice(0, -1);
  const valid = {
    '/workspaces': required(
      wire(createWorkspaceRequest, {
        token: idBytesOf('t'),
        name: 'n',
        mode: 'personal',
        policy: 'copy',
        region: '',
        sha256: null,
      }),
    ),
    '/devices': wire(registerDeviceRequest, { token: idBytesOf('t'), name: 'n' }),
    '/upload/session': wire(uploadSessionRequest, { workspaceId, deviceId, hashes, lengths: [7] }),
    '/download/session': wire(downloadSessionRequest, { workspaceId, hashes }),
    '/manifest/commit': wire(commitRequest, ann.request([deleteOperation('f', [])])),
    '/manifest/read': wire(manifestReadRequest, { workspaceId, roots: hashes, segments: noHashes }),
    '/realtime/negotiate': wire(negotiateRequest, { seats: [{ workspaceId, deviceId }] }),
  };
  writes.length = 0;
  return { world, writes, ann, bob, valid };
}

const scene = await setScene();
const postPaths = Object.keys(scene.valid);
const getPaths = ['', '/changes', '/tree', '/presence'].map((rest) => `/workspaces/${scene.ann.workspaceId}${rest}`);

interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>;
  readonly type?: string;
  readonly token?: Person | null;
  readonly headers?: Readonly<Record<string, string>>;
}

let keys = 0;

async function send({
  path,
  method,
  body,
  type = mediaTypes.msgpack,
  token = 'ann',
  headers,
}: Sent): Promise<Response> {
  const all = new Headers({
    'content-type': type,
    'idempotency-key': (++keys).toString(16).padStart(32, '0'),
    ...headers,
  });
  if (token !== null) all.set('authorization', `Bearer ${token}`);
  const init = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers: all, duplex: 'half' } as const;
  const request = new Request(
    `https://tidemark.test/api${path}`,
    body === undefined ? init : { ...init, body: body as NonNullable<RequestInit['body']> },
  );
  return scene.world.api.handle(request);
}

/** Sends what must be refused, and checks the problem and that nothing was written. */
async function refused(sent: Sent, code: string, status: number): Promise<void> {
  scene.writes.length = 0;
  const problem = await readProblem(await send(sent));
  assert.deepEqual([problem.code, problem.status], [code, status], `${sent.path}: ${problem.detail}`);
  assert.deepEqual(scene.writes, [], `${sent.path} wrote although it refused`);
}

function encoded(value: unknown): Uint8Array {
  return encode(value).slice();
}

describe('bodies', () => {
  for (const path of postPaths) {
    const valid = scene.valid[path] as unknown[];
    it(`${path} refuses wrong types and missing fields in every place`, async () => {
      for (const place of valid.keys()) {
        for (const wrong of [{}, -1, Number.NaN, 'x'.repeat(5_000), [[[]]], true]) {
          const changed = valid.map((field, i) => (i === place ? wrong : field));
          await refused({ path, body: encoded(changed) }, 'malformed', 400);
        }
        await refused({ path, body: encoded(valid.slice(0, place)) }, 'malformed', 400);
      }
    });

    it(`${path} refuses what is no message`, async () => {
      const whole = encoded(valid);
      const bodies = [
        new Uint8Array(0),
        Uint8Array.of(0xc1),
        whole.subarray(0, whole.length - 1),
        concatBytes(whole, Uint8Array.of(0)),
        Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff),
        Uint8Array.of(0xc6, 0xff, 0xff, 0xff, 0xff),
        new Uint8Array(100_000).fill(0x91),
        encoded({ __proto__: { name: 'x' }, constructor: 1 }),
        concatBytes(Uint8Array.of(0x92, 0xd6, 98, 0xce, 0x7f, 0xff, 0xff, 0xc4, 0x02), Uint8Array.of(1, 2)),
        concatBytes(Uint8Array.of(0x92, 0xd5, 98, 0x20, 0x20, 0xc4, 0x04), Uint8Array.of(0xf0, 255, 255, 255)),
      ];
      for (const body of bodies) await refused({ path, body }, 'malformed', 400);
      await refused({ path, body: whole, type: 'text/plain' }, 'unsupported', 415);
      await refused({ path, body: whole, headers: { 'content-encoding': 'gzip' } }, 'unsupported', 415);
    });

    it(`${path} refuses bad JSON the same`, async () => {
      const type = mediaTypes.json;
      const deep = '['.repeat(100_000) + ']'.repeat(100_000);
      const texts = ['', '{', 'null', '[]', '"x"', '{"__proto__":{"name":"x"}}', '{"name":{"toString":1}}', deep];
      for (const body of texts) await refused({ path, body, type }, 'malformed', 400);
      await refused({ path, body: Uint8Array.of(0xff, 0xfe, 0x7b), type }, 'malformed', 400);
    });

    it(`${path} refuses a body over the limit, told or not, without reading on`, async () => {
      const length = String(limits.requestBytesMax + 1);
      await refused({ path, body: encoded(valid), headers: { 'content-length': length } }, 'too-large', 413);
      let given = 0;
      const piece = new Uint8Array(1024 * 1024);
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          given += piece.length;
          controller.enqueue(piece);
        },
      });
      await refused({ path, body: endless }, 'too-large', 413);
      assert.ok(given <= limits.requestBytesMax + 4 * piece.length, `${given} bytes were asked for`);
    });
  }
});

describe('who may', () => {
  it('no route but the public ones answers without a token, or with one that is none', async () => {
    for (const path of postPaths) {
      const body = encoded(scene.valid[path]);
      await refused({ path, body, token: null }, 'unauthenticated', 401);
      await refused({ path, body, headers: { authorization: 'Basic YTpi' }, token: null }, 'unauthenticated', 401);
    }
    for (const path of ['/workspaces', ...getPaths]) await refused({ path, token: null }, 'unauthenticated', 401);
    const response = await send({ path: '/workspaces', token: null });
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="tidemark"');
  });

  it('a token without the scope is forbidden to write, before anything is looked up', async () => {
    for (const path of ['/workspaces', '/devices', '/upload/session', '/manifest/commit']) {
      await refused({ path, body: encoded(scene.valid[path]), token: 'reader' }, 'forbidden', 403);
    }
  });

  it('a workspace of others cannot be told from one that is not there, on any route', async () => {
    const { bob } = scene;
    for (const id of [bob.workspaceId, '1'.repeat(32)]) {
      for (const rest of ['', '/changes', '/tree', '/presence'])
        await refused({ path: `/workspaces/${id}${rest}` }, 'not-found', 404);
      for (const path of ['/upload/session', '/download/session', '/manifest/commit', '/manifest/read']) {
        const message = decode(encoded(scene.valid[path])) as unknown[];
        message[0] = idToBytes(id as typeof bob.workspaceId);
        await refused({ path, body: encoded(message) }, 'not-found', 404);
      }
    }
  });

  it("another's device is not found, also in one's own workspace", async () => {
    for (const path of ['/upload/session', '/manifest/commit']) {
      const message = decode(encoded(scene.valid[path])) as unknown[];
      message[1] = idToBytes(scene.bob.deviceId);
      await refused({ path, body: encoded(message) }, 'not-found', 404);
    }
  });

  it("chunks of another's workspace are missing, whatever their hash", async () => {
    const { ann } = scene;
    const stolen = digestsToColumn([blake3Digest(utf8('secret of bob'))]);
    const { workspaceId } = ann;
    const download = encoded(downloadSessionRequest.toWire({ workspaceId, hashes: stolen }));
    await refused({ path: '/download/session', body: download }, 'missing-chunks', 409);
    const put = ann.request([putOperation({ node: 'x', name: 'x', text: 'secret of bob' })]);
    await refused({ path: '/manifest/commit', body: encoded(commitRequest.toWire(put)) }, 'missing-chunks', 409);
  });
});

describe('routes', () => {
  it('that do not exist are not found, and other methods are named', async () => {
    for (const path of ['/', '/nothing', '/workspaces/x/y/z', '/manifest', '//workspaces', '/health/']) {
      await refused({ path }, 'not-found', 404);
    }
    for (const [path, allow] of [
      ['/workspaces', 'POST, GET'],
      ['/manifest/commit', 'POST'],
      ['/health', 'GET'],
    ] as const) {
      for (const method of ['DELETE', 'PUT', 'PATCH']) {
        const response = await send({ path, method });
        assert.deepEqual([response.status, response.headers.get('allow')], [405, allow]);
        assert.equal((await readProblem(response)).code, 'method-not-allowed');
      }
    }
  });

  it('take only well-formed parameters', async () => {
    for (const id of ['x', '1'.repeat(31), 'A'.repeat(32), '%00'.repeat(32), '..%2f..', '1'.repeat(33)]) {
      for (const rest of ['', '/changes', '/tree', '/presence'])
        await refused({ path: `/workspaces/${id}${rest}` }, 'malformed', 400);
    }
    const changes = `/workspaces/${scene.ann.workspaceId}/changes`;
    for (const after of ['-1', '1.5', 'NaN', '1e3', '', '99999999999999999999', '0x1']) {
      await refused({ path: `${changes}?after=${after}` }, 'malformed', 400);
    }
    const tree = `/workspaces/${scene.ann.workspaceId}/tree`;
    for (const path of ['nowhere', '../..', 'f.txt', 'f.txt/x', '/a'.repeat(2_000), '%00', '__proto__']) {
      await refused({ path: `${tree}?path=${path}` }, 'not-found', 404);
    }
  });

  it('work with and without the prefix of the host, and keep the correlation id if it is one', async () => {
    const bare = await scene.world.api.handle(new Request('https://tidemark.test/health'));
    assert.equal(bare.status, 200);
    const given = await send({ path: '/health', headers: { 'x-correlation-id': 'abc-1.2_3' } });
    assert.equal(given.headers.get('x-correlation-id'), 'abc-1.2_3');
    const odd = await send({ path: '/health', headers: { 'x-correlation-id': 'a b<script>' } });
    assert.match(odd.headers.get('x-correlation-id') ?? '', /^[0-9a-f]{32}$/);
    const invoked = await scene.world.api.handle(new Request('https://tidemark.test/api/health'), {
      invocationId: 'inv-1',
    });
    assert.equal(invoked.headers.get('x-correlation-id'), 'inv-1');
  });
});

describe('uploads', () => {
  it('refuse a repeated hash, lengths that do not fit, and impossible lengths', async () => {
    const { workspaceId, deviceId } = scene.ann;
    const path = '/upload/session';
    const hash = blake3Digest(utf8('new'));
    const body = (hashes: readonly (typeof hash)[], lengths: readonly number[]): Uint8Array =>
      encoded([idToBytes(workspaceId), idToBytes(deviceId), digestsToColumn(hashes), lengths]);
    await refused({ path, body: body([hash, hash], [3, 3]) }, 'malformed', 400);
    await refused({ path, body: body([hash], [3, 3]) }, 'malformed', 400);
    await refused({ path, body: body([hash], []) }, 'malformed', 400);
    for (const length of [0, -1, 1.5, limits.chunkBytesMax + 1, 2 ** 53]) {
      await refused({ path, body: body([hash], [length]) }, 'malformed', 400);
    }
    const many = encoded([
      idToBytes(workspaceId),
      idToBytes(deviceId),
      new Uint8Array((limits.sessionChunksMax + 1) * 32),
      [],
    ]);
    await refused({ path, body: many }, 'malformed', 400);
  });

  it('refuse more than a window of chunks, however few: each pack of a session is work for its status and its commit', async () => {
    const { workspaceId, deviceId } = scene.ann;
    const count = limits.uploadWindowBytes / limits.chunkBytesMax;
    const hashes = Array.from({ length: count + 1 }, (_, i) => blake3Digest(utf8(`window ${i}`)));
    const lengths = [...Array<number>(count).fill(limits.chunkBytesMax), 1];
    const body = encoded([idToBytes(workspaceId), idToBytes(deviceId), digestsToColumn(hashes), lengths]);
    await refused({ path: '/upload/session', body }, 'too-large', 413);
  });
});

describe('commits', () => {
  const path = '/manifest/commit';
  const body = (...operations: Parameters<TestDevice['request']>[0]): Uint8Array =>
    encoded(commitRequest.toWire(scene.ann.request(operations)));

  it('need an idempotency key of its form', async () => {
    const { world } = scene;
    const headers = { authorization: 'Bearer ann', 'content-type': mediaTypes.msgpack };
    const request = new Request(`https://tidemark.test/api${path}`, {
      method: 'POST',
      headers,
      body: body() as Uint8Array<ArrayBuffer>,
    });
    assert.equal((await readProblem(await world.api.handle(request))).code, 'idempotency-key-missing');
    await refused({ path, body: body(), headers: { 'idempotency-key': 'x' } }, 'malformed', 400);
  });

  it('cannot touch the root, nor give a file a size that its content has not', async () => {
    await refused({ path, body: body(deleteOperation(rootNodeId, [])) }, 'malformed', 400);
    await refused({ path, body: body(symlinkOperation('l', 'l', '')) }, 'malformed', 400);
    const put = putOperation({ node: 'p', name: 'p', text: 'content' });
    assert.ok(put.kind === 'put');
    await refused({ path, body: body({ ...put, size: 8 }) }, 'malformed', 400);
    await refused({ path, body: body({ ...put, size: 0 }) }, 'malformed', 400);
    await refused({ path, body: body({ ...put, mode: 0o012 }) }, 'malformed', 400);
    const empty = putOperation({ node: 'p', name: 'p', text: '' });
    assert.ok(empty.kind === 'put');
    await refused({ path, body: body({ ...empty, size: 1 }) }, 'malformed', 400);
  });

  it('refuse negative and impossible numbers in operations', async () => {
    const [, ...fields] = encodedOperation();
    const sizePlace = fields.indexOf(7);
    assert.ok(sizePlace > 0);
    for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      const changed = [0, ...fields.map((field, i) => (i === sizePlace ? size : field))];
      const { workspaceId, deviceId } = scene.ann;
      const message = [idToBytes(workspaceId), idToBytes(deviceId), [], [], [], [changed]];
      await refused({ path, body: encoded(message) }, 'malformed', 400);
    }
  });

  it('with hashes that were never uploaded name what is missing', async () => {
    await refused(
      { path, body: body(putOperation({ node: 'n', name: 'n', text: 'never sent' })) },
      'missing-chunks',
      409,
    );
  });

  function encodedOperation(): unknown[] {
    const put = putOperation({ node: 'p', name: 'p', text: 'content' });
    const message = decode(encoded(commitRequest.toWire(scene.ann.request([put])))) as unknown[][];
    return message[5]![0] as unknown[];
  }
});

it('nothing secret was logged, and no answer to bad input was our fault', () => {
  assert.ok(scene.world.logged.length > 100);
  for (const line of scene.world.logged) {
    assert.doesNotMatch(line, /sig=|Bearer (?!realm)|eyJ/);
    assert.doesNotMatch(line, /"code":"internal"/);
  }
});

it('the scene is as it was', async () => {
  assert.deepEqual([...(await scene.ann.list()).keys()], ['f.txt']);
  assert.equal((await scene.ann.list()).get('f.txt')?.nodeId, nodeOf('f'));
});
