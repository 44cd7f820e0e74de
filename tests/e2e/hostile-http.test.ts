/**
 * Bad input over the wire, for every row of the route table: always a problem with a stable code, or the host's own 4xx before
 * the API; no stack trace; and afterwards there are as many records, the same blobs, and every head has its seq, as before. On both
 * kinds of storage.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { SignJWT, UnsecuredJWT, generateKeyPair, importJWK } from 'jose';
import { routes } from '../../shared/api/api.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { errorCodes } from '../../shared/core/errors.ts';
import { type WorkspaceId, digestsToColumn } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { decodeBody, decodeJson, mediaTypes } from '../../shared/core/wire/envelope.ts';
import { type StackClient, openClient } from '../local/stack-client.ts';
import { openSocket, sendRaw } from './raw-http.ts';
import { readStoredState } from './stored-state.ts';
import { type World, onEachStorage } from './world.ts';

interface Row {
  /** A good body for a workspace, as wire arrays: refused for one of somebody else's. Left out where the route takes none. */
  readonly body?: (workspaceId: WorkspaceId) => unknown[];
  /** Whether the route is about a workspace, in its path or its body. */
  readonly ofWorkspace: boolean;
  /** For operators only: nobody here is one, so for everybody there is no such route. */
  readonly forOperators?: true;
}

const none = new Uint8Array(0);
const column = digestsToColumn([blake3Digest(utf8('content'))]);
const idBytes = (hex: string) => Buffer.from(hex, 'hex');

/** Rows of operators' routes. What is sent does not matter: it is not looked at. */
function operators(method: string, ...names: readonly string[]): Record<string, Row> {
  const row: Row = {
    ofWorkspace: false,
    forOperators: true,
    ...(method === 'GET' ? {} : { body: (ws) => [idBytes(ws), ''] }),
  };
  return Object.fromEntries(names.map((name) => [`${method} /operator/${name}`, row]));
}

/** Every route. A new one is added here with a body that is right, so that all the tests below try it. */
const rows: Readonly<Record<string, Row>> = {
  'POST /workspaces': { ofWorkspace: false, body: () => [new Uint8Array(16), 'n', 'personal', 'copy', ''] },
  'GET /workspaces': { ofWorkspace: false },
  'GET /workspaces/{ws}': { ofWorkspace: true },
  'PATCH /workspaces/{ws}': { ofWorkspace: true, body: () => ['n', 0, 0, false] },
  'DELETE /workspaces/{ws}': { ofWorkspace: true },
  'GET /workspaces/{ws}/members': { ofWorkspace: true },
  'PUT /workspaces/{ws}/members/{userId}': { ofWorkspace: true, body: () => [1] },
  'DELETE /workspaces/{ws}/members/{userId}': { ofWorkspace: true },
  'POST /devices': { ofWorkspace: false, body: () => [new Uint8Array(16), 'n'] },
  'GET /devices': { ofWorkspace: false },
  'DELETE /devices/{device}': { ofWorkspace: false },
  'POST /upload/session': { ofWorkspace: true, body: (ws) => [idBytes(ws), idBytes(ann.deviceId), column, [7]] },
  'GET /upload/session/{session}': { ofWorkspace: true },
  'POST /download/session': { ofWorkspace: true, body: (ws) => [idBytes(ws), column] },
  'POST /manifest/commit': { ofWorkspace: true, body: (ws) => [idBytes(ws), idBytes(ann.deviceId), [], [], [], []] },
  'POST /manifest/read': { ofWorkspace: true, body: (ws) => [idBytes(ws), column, none] },
  'GET /workspaces/{ws}/changes': { ofWorkspace: true },
  'GET /workspaces/{ws}/tree': { ofWorkspace: true },
  'POST /tree/sync': { ofWorkspace: true, body: (ws) => [idBytes(ws), column] },
  'POST /manifest/proof': { ofWorkspace: true, body: (ws) => [idBytes(ws), column, 0, 1] },
  'POST /manifest/verify': { ofWorkspace: true, body: (ws) => [idBytes(ws), column, null] },
  'GET /workspaces/{ws}/nodes/{node}/versions': { ofWorkspace: true },
  'POST /workspaces/{ws}/restore': { ofWorkspace: true, body: () => [idBytes(ann.deviceId), 1, null, null, null] },
  // About many workspaces: those that are not the caller's are left out of the answer.
  'POST /realtime/negotiate': { ofWorkspace: false, body: (ws) => [[[idBytes(ws), idBytes(ann.deviceId)]]] },
  'GET /workspaces/{ws}/presence': { ofWorkspace: true },
  'GET /health': { ofWorkspace: false },
  'GET /.well-known/tidemark-configuration': { ofWorkspace: false },
  'GET /.well-known/tidemark-keys.json': { ofWorkspace: false },
  ...operators('GET', 'usage', 'quarantine', 'incidents', 'feed', 'poison'),
  ...operators('PUT', 'workspaces/{ws}/quota'),
  ...operators('POST', 'fsck', 'rebuild-index', 'quarantine/release', 'quarantine/purge'),
  'GET /openapi.json': { ofWorkspace: false },
  'GET /docs': { ofWorkspace: false },
};

let world: World;
let ann: StackClient;
let bob: StackClient;
let anns: WorkspaceId;
let bobs: WorkspaceId;
let origin: string;
let stateBefore: string;

/** Both heads, and whatever is stored. */
async function readState(): Promise<string> {
  const heads = [await ann.api.getWorkspace(anns), await bob.api.getWorkspace(bobs)];
  return JSON.stringify({ ...(await readStoredState(world)), heads }, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
}

async function unchanged(): Promise<void> {
  assert.equal(await readState(), stateBefore);
}

const stackTrace = /\n\s+at |\.ts:\d+|node:internal/;

/** A problem with a code of ours, or, from the host, no body at all. Returns the code; `host` for the host's. */
async function refusal(response: Response): Promise<string> {
  const text = await response.text();
  const where = `${response.status} ${response.url}: ${text.slice(0, 300)}`;
  assert.ok(response.status >= 400 && response.status < 500, where);
  assert.doesNotMatch(text, stackTrace, where);
  if (response.headers.get('content-type') !== 'application/problem+json') {
    assert.equal(text, '', where);
    return 'host';
  }
  const { code, status } = JSON.parse(text) as { code: string; status: number };
  assert.ok(Object.hasOwn(errorCodes, code), where);
  assert.equal(status, response.status);
  return code;
}

interface Sent {
  readonly token?: string | null;
  readonly type?: string;
  readonly method?: string;
  readonly workspace?: string;
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

let keys = 0;

/** The address of a route, about things that are nobody's where it does not name a workspace. */
function addressOf(path: string, workspace: string): string {
  const address = path.replace('{ws}', workspace).replace(/\{\w+\}/g, 'e'.repeat(32));
  return path === '/upload/session/{session}' ? `${address}?workspace=${workspace}` : address;
}

function send(route: string, { token = ann.token, type = mediaTypes.msgpack, workspace, ...sent }: Sent = {}) {
  const [method, path] = route.split(' ') as [string, string];
  const headers = new Headers({ 'idempotency-key': (++keys).toString(16).padStart(32, '0'), 'if-match': '*' });
  if (sent.body !== undefined || method === 'POST') headers.set('content-type', type);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  for (const [name, value] of Object.entries(sent.headers ?? {})) headers.set(name, value);
  const init: RequestInit = { method: sent.method ?? method, headers };
  if (sent.body !== undefined) init.body = sent.body as NonNullable<RequestInit['body']>;
  return fetch(`${world.stack.endpoints.server}${addressOf(path, workspace ?? anns)}`, init);
}

/** Whether bytes are a message of the route: of what is optional, more is right than what its row has. */
function isMessage(route: string, bytes: Uint8Array): boolean {
  const schema = routes.find(({ method, path }) => `${method} ${path}` === route)?.request;
  try {
    decodeBody(schema!, bytes, nodeCodecs.lz4);
    return true;
  } catch {
    return false;
  }
}

function isJsonMessage(route: string, text: string): boolean {
  const schema = routes.find(({ method, path }) => `${method} ${path}` === route)?.request;
  try {
    decodeJson(schema!, text);
    return true;
  } catch {
    return false;
  }
}

const encoded = (value: unknown): Uint8Array => encode(value).slice();
const all = Object.entries(rows);
const withBodies = all.filter(([, row]) => row.body !== undefined);
const guarded = routes.filter(({ scope }) => scope !== null).map(({ method, path }) => `${method} ${path}`);

test('every route of the API has a row here', () => {
  assert.deepEqual(Object.keys(rows).sort(), routes.map(({ method, path }) => `${method} ${path}`).sort());
});

onEachStorage((open) => {
  before(async () => {
    world = await open();
    const { server } = world.stack.endpoints;
    origin = new URL(server).origin;
    [ann, bob] = [await openClient(server, 'ann'), await openClient(server, 'bob')];
    [anns, bobs] = [await ann.createWorkspace('anns'), await bob.createWorkspace('bobs')];
    await ann.putFile(anns, 'a.txt', utf8('content'));
    await bob.putFile(bobs, 'b.txt', utf8('secret of bob'));
    stateBefore = await readState();
  });
  after(() => world.close());

  describe('bodies', () => {
    for (const [route, { body, forOperators }] of withBodies) {
      const refused = forOperators === true ? 'not-found' : undefined;
      test(`${route}: wrong types, missing fields, broken msgpack and LZ4, other media types`, async () => {
        const good = body!(anns);
        const whole = encoded(good);
        const bodies: Uint8Array[] = [
          none,
          Uint8Array.of(0xc1),
          whole.subarray(0, -1),
          concatBytes(whole, Uint8Array.of(0)),
          Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff),
          Uint8Array.of(0xc6, 0xff, 0xff, 0xff, 0xff),
          new Uint8Array(100_000).fill(0x91),
          concatBytes(Uint8Array.of(0x92, 0xd6, 98, 0xce, 0x7f, 0xff, 0xff, 0xc4, 0x02), Uint8Array.of(1, 2)),
          concatBytes(Uint8Array.of(0x92, 0xd5, 98, 0x20, 0x20, 0xc4, 0x04), Uint8Array.of(0xf0, 255, 255, 255)),
        ];
        for (const [place] of good.entries()) {
          for (const wrong of [{}, -1, Number.NaN, 'x'.repeat(5_000), [[[]]], true, null]) {
            bodies.push(encoded(good.map((field, i) => (i === place ? wrong : field))));
          }
          bodies.push(encoded(good.slice(0, place)));
        }
        const bad = bodies.filter((bytes) => !isMessage(route, bytes));
        assert.ok(bad.length > 10);
        for (const body of bad) assert.equal(await refusal(await send(route, { body })), refused ?? 'malformed');
        const json = { type: mediaTypes.json };
        for (const bad of ['', '{', 'null', '[]', '{"__proto__":{"name":"x"}}', '['.repeat(100_000), '\u0000']) {
          if (bad.startsWith('{"') && isJsonMessage(route, bad)) continue;
          assert.equal(await refusal(await send(route, { ...json, body: bad })), refused ?? 'malformed');
        }
        for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/jsonx', ';']) {
          assert.equal(await refusal(await send(route, { type, body: whole })), refused ?? 'unsupported');
        }
        const zipped = { 'content-encoding': 'gzip' };
        assert.equal(await refusal(await send(route, { body: whole, headers: zipped })), refused ?? 'unsupported');
        await unchanged();
      });

      test(`${route}: a body over the limit, as told and as sent`, async () => {
        const { host, port } = new URL(origin);
        const [method, pattern] = route.split(' ') as [string, string];
        const needed = `Idempotency-Key: ${'9'.repeat(32)}\r\nIf-Match: *\r\n`;
        const head = `${method} /api${addressOf(pattern, anns)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${ann.token}\r\nContent-Type: ${mediaTypes.msgpack}\r\n${needed}Connection: close\r\n`;
        for (const length of [limits.requestBytesMax + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
          const answer = await sendRaw(Number(port), `${head}Content-Length: ${length}\r\n\r\n`, 'x');
          // The host may look at the length before the API looks at who asks.
          assert.ok(answer.status === 413 || (forOperators === true && answer.status === 404), answer.head);
          assert.doesNotMatch(answer.body, stackTrace);
        }
        const piece = new Uint8Array(1024 * 1024);
        const chunk = concatBytes(utf8('100000\r\n'), piece, utf8('\r\n'));
        const chunks = Array.from({ length: limits.requestBytesMax / piece.length + 8 }, () => chunk);
        const answer = await sendRaw(Number(port), `${head}Transfer-Encoding: chunked\r\n\r\n`, ...chunks);
        // The answer may be lost to the reset of a connection on which we still send: then there is none.
        assert.ok([0, forOperators === true ? 404 : 413].includes(answer.status), answer.head);
        await unchanged();
      });
    }

    test('bodies that stop in the middle, and requests that stop in the head, hold nothing up', async () => {
      const { host, port } = new URL(origin);
      for (const [route, { body }] of withBodies) {
        const whole = encoded(body!(anns));
        const part = whole.subarray(0, Math.min(9, whole.length - 1));
        for (const framing of [`Content-Length: ${whole.length}`, 'Transfer-Encoding: chunked']) {
          const socket = await openSocket(Number(port));
          const [method, pattern] = route.split(' ') as [string, string];
          const head = `${method} /api${addressOf(pattern, anns)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${ann.token}\r\nContent-Type: ${mediaTypes.msgpack}\r\n${framing}\r\n\r\n`;
          const start = framing.startsWith('T') ? concatBytes(utf8('ff\r\n'), part) : part;
          await new Promise((resolve) => socket.write(concatBytes(utf8(head), start), resolve));
          socket.destroy();
        }
        const socket = await openSocket(Number(port));
        socket.write('POST /api/manifest/comm');
        socket.destroy();
      }
      await unchanged();
    });
  });

  describe('who may', () => {
    test('forged, expired and foreign tokens open no route', async () => {
      const { signing } = JSON.parse(readFileSync(join(world.data, 'identity', 'identity-keys.json'), 'utf8')) as {
        signing: { alg: string; kid: string }[];
      };
      const real = signing[0]!;
      const key = await importJWK(real, real.alg);
      const strangers = await generateKeyPair('ES256');
      const claims = { scope: 'sync.read sync.write sync.admin' };
      const [header, payload, signature] = ann.token.split('.') as [string, string, string];
      const { iss, aud } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss: string; aud: string };
      const now = Math.floor(Date.now() / 1_000);
      const jwt = (changed: { iss?: string; aud?: string; exp?: number; nbf?: number; kid?: string; alg?: string }) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: changed.alg ?? real.alg, kid: changed.kid ?? real.kid, typ: 'at+jwt' })
          .setIssuer(changed.iss ?? iss)
          .setAudience(changed.aud ?? aud)
          .setSubject('bob')
          .setIssuedAt(now)
          .setNotBefore(changed.nbf ?? now)
          .setExpirationTime(changed.exp ?? now + 600);
      // Signed by the very key: only what is said to be wrong is wrong.
      assert.equal((await send('GET /workspaces', { token: await jwt({}).sign(key) })).status, 200);
      const publicText = new TextEncoder().encode(JSON.stringify(real));
      const bad = [
        null,
        '',
        'x',
        'a.b.c',
        'x'.repeat(15_000),
        new UnsecuredJWT(claims).setIssuer(iss).setAudience(aud).setSubject('bob').setExpirationTime('1h').encode(),
        await jwt({ iss: 'http://127.0.0.1:1' }).sign(key),
        await jwt({ aud: 'somebody else' }).sign(key),
        await jwt({ exp: now - 3_600 }).sign(key),
        await jwt({ nbf: now + 3_600 }).sign(key),
        await jwt({ kid: 'unknown' }).sign(key),
        await jwt({ kid: '../../etc/passwd' }).sign(strangers.privateKey),
        await jwt({}).sign(strangers.privateKey),
        await jwt({ alg: 'HS256' }).sign(publicText),
        `${header}.${Buffer.from(JSON.stringify({ ...claims, iss, aud, sub: 'bob', exp: now + 600 })).toString('base64url')}.${signature}`,
        `${header}.${payload}.`,
        ann.token.slice(0, -4),
      ];
      for (const route of guarded) {
        for (const [n, token] of bad.entries()) {
          const body = rows[route]!.body?.(bobs);
          const sent = { token, workspace: bobs, ...(body === undefined ? {} : { body: encoded(body) }) };
          assert.equal(await refusal(await send(route, sent)), 'unauthenticated', `${route} with token ${n}`);
        }
      }
      await unchanged();
    });

    for (const [route, row] of all.filter(([, { ofWorkspace }]) => ofWorkspace)) {
      test(`${route}: somebody else's workspace is as one that is not there`, async () => {
        const answers: string[] = [];
        for (const workspace of [bobs, '1'.repeat(32) as WorkspaceId]) {
          const body = row.body?.(workspace);
          const response = await send(route, { workspace, ...(body === undefined ? {} : { body: encoded(body) }) });
          assert.equal(response.status, 404);
          const text = await response.text();
          answers.push(text.replaceAll(/"correlationId":"[^"]*"/g, '').replaceAll(workspace, 'W'));
        }
        assert.equal(answers[0], answers[1]);
        await unchanged();
      });
    }
  });

  describe('addresses and heads', () => {
    test('paths that climb, encode, or are too long lead nowhere', async () => {
      const { host, port } = new URL(origin);
      const segments = [
        '..',
        '.',
        '%2e%2e',
        '%2F..%2F',
        '..%5c..',
        '%00',
        '%',
        '%zz',
        'a'.repeat(5_000),
        '{ws}',
        '*',
        "'--",
        '__proto__',
        'ÿ',
      ];
      const paths = segments.flatMap((each) => [
        `/api/workspaces/${each}`,
        `/api/workspaces/${each}/tree`,
        `/api/workspaces/${anns}/${each}`,
        `/api/${each}/workspaces`,
        `/${each}/${each}/etc/passwd`,
        `/api//workspaces//${each}`,
      ]);
      for (const path of [
        ...paths,
        '*',
        'http://evil.example/api/workspaces',
        '//evil.example/x',
        '/admin/host/keys',
      ]) {
        const answer = await sendRaw(
          Number(port),
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${ann.token}\r\nConnection: close\r\n\r\n`,
        );
        const leadsBack = answer.status === 200 && /^\/api\/|^http:/.test(path);
        const shown = `${path.slice(0, 80)}: ${answer.head.slice(0, 300)} ${answer.body.slice(0, 200)}`;
        assert.ok((answer.status >= 400 && answer.status < 500) || leadsBack, shown);
        assert.doesNotMatch(answer.body, /root:|secret of bob|b\.txt/, shown);
        assert.doesNotMatch(answer.body, stackTrace, shown);
      }
      await unchanged();
    });

    test('queries of other forms than asked for are refused', async () => {
      for (const after of ['-1', '1e3', '1.5', 'x', '9'.repeat(30), '%00', '']) {
        assert.equal(await refusal(await send(`GET /workspaces/{ws}/changes?after=${after}`)), 'malformed', after);
      }
      for (const path of ['..', '../..', '/etc', 'a//b', '.tidemark', 'a%00b', 'x'.repeat(5_000), '%ff', 'nowhere']) {
        const code = await refusal(await send(`GET /workspaces/{ws}/tree?path=${path}`));
        assert.ok(code === 'malformed' || code === 'not-found', `${path}: ${code}`);
      }
      await unchanged();
    });

    test('other methods are told which there are', async () => {
      for (const [route] of all) {
        for (const method of ['PUT', 'DELETE', 'PATCH', route.startsWith('GET') ? 'POST' : 'GET']) {
          if (Object.hasOwn(rows, `${method} ${route.split(' ')[1]!}`)) continue;
          const response = await send(route, { method });
          assert.equal(response.status, 405, `${method} ${route}`);
          assert.ok(response.headers.get('allow')?.includes(route.split(' ')[0]!), `${method} ${route}`);
          assert.equal(await refusal(response), 'method-not-allowed');
        }
        for (const method of ['OPTIONS', 'PROPFIND']) {
          await refusal(await send(route, { method }));
        }
      }
      await unchanged();
    });

    test('heads that are huge, doubled or smuggle are refused by the host', async () => {
      const { host, port } = new URL(origin);
      const get = `GET /api/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n`;
      const post = `POST /api/devices HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n`;
      const heads = [
        `${get}X-Big: ${'a'.repeat(200_000)}\r\n\r\n`,
        `${get}${Array.from({ length: 5_000 }, (_, i) => `X-${i}: ${'a'.repeat(20)}\r\n`).join('')}\r\n`,
        `${get}Bad Name: x\r\n\r\n`,
        `${get}X: a\u0000b\r\n\r\n`,
        `GET /api/health HTTP/1.1\r\nConnection: close\r\n\r\n`,
        `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
        `${post}Content-Length: -5\r\n\r\nhello`,
        `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/health HTTP/1.1\r\n\r\n`,
        `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`,
        'not http at all\r\n\r\n',
      ];
      for (const head of heads) {
        const { status, head: line, body } = await sendRaw(Number(port), head);
        assert.ok(status >= 400 && status < 500, `${head.slice(0, 120)} gave ${line.slice(0, 100)}`);
        assert.doesNotMatch(body, stackTrace);
      }
      await unchanged();
    });

    test('an event that nobody sent verifies nothing and changes nothing', async () => {
      const url = `${origin}/runtime/webhooks/EventGrid?functionName=verifyPack`;
      const event = {
        id: '1',
        eventType: 'Microsoft.Storage.BlobCreated',
        subject: `/blobServices/default/containers/chunks/blobs/${anns}/00/00/${'0'.repeat(64)}.blob`,
        eventTime: new Date().toISOString(),
        dataVersion: '1',
        data: { url: 'http://evil.example/chunks/x' },
      };
      const bodies = [
        '',
        '{',
        '[]',
        '{}',
        '[1]',
        JSON.stringify([event]),
        JSON.stringify([{ ...event, subject: '/../../etc' }]),
        '['.repeat(50_000),
      ];
      for (const body of bodies) {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'aeg-event-type': 'Notification', 'content-type': 'application/json' },
          body,
        });
        assert.doesNotMatch(await response.text(), stackTrace);
      }
      await unchanged();
    });

    test('after all of it the stack serves, and its log has no fault of ours', async () => {
      await ann.putFile(anns, 'after.txt', utf8('still here'));
      assert.equal((await ann.readChunk(anns, blake3Digest(utf8('still here')))).length, 10);
      assert.notEqual(await readState(), stateBefore, 'a change would have been seen');
      const faults = world.stack
        .output()
        .split('\n')
        .filter((line) => /error|warning|\n\s+at |" 5\d\d"/i.test(line));
      assert.deepEqual(faults, []);
    });
  });
});
