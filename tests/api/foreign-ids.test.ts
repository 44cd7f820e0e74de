/**
 * Every id of every request swapped for somebody else's. eve makes the requests that she may make in her own workspace, and in each of
 * them, one after the other, puts in the place of every id one that is ann's: of a workspace, a device, a session, a node, a request, a
 * pack, a manifest, a segment, a chunk, a node of the tree, a name in quarantine. What she gets is what she gets for an id that nobody
 * ever had, byte for byte but for the id itself: so it tells nothing, not even that there is such a thing.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesToBase64url, bytesToHex, hexToBytes, utf8 } from '../../shared/core/bytes.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { type Digest, digestsToColumn } from '../../shared/core/ids.ts';
import { buildManifest } from '../../shared/core/manifest/manifest.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import { type MatrixWorld, createMatrixWorld } from './authorisation/actors.ts';
import { type RouteRequest, requests, toRequest } from './authorisation/requests.ts';
import { type Subject, secretOf } from './authorisation/subject.ts';
import { mustFail } from './world/calls.ts';
import { TestDevice, putOperation } from './world/test-device.ts';

/** ann's ids as hex, by their length in bytes. */
function idsOf(s: Subject): Readonly<Record<16 | 32, Readonly<Record<string, string>>>> {
  const { workspaceId, deviceId, sessionId, nodeId, requestId } = s;
  return {
    16: { workspaceId, deviceId, sessionId, nodeId, requestId },
    32: { packId: s.packId, root: s.root, segment: s.segment, chunk: s.chunk, mark: s.mark },
  };
}

const unknown = bytesToHex(blake3(utf8('an id that nobody ever had')));

/** A place of an id in a request, and the request with another id there. */
interface Place {
  readonly where: string;
  readonly bytes: 16 | 32;
  readonly with: (hex: string) => {
    readonly request: RouteRequest;
    readonly headers: Readonly<Record<string, string>>;
  };
}

function isIds(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && (value.length === 16 || (value.length > 0 && value.length % 32 === 0));
}

/** Every run of bytes in a body that is an id or begins with one, with a way to replace it. */
function* placesIn(
  value: unknown,
  where: string,
): Generator<[where: string, bytes: 16 | 32, replace: (hex: string) => unknown]> {
  if (isIds(value)) {
    const bytes = value.length === 16 ? 16 : 32;
    yield [where, bytes, (hex) => Uint8Array.from([...hexToBytes(hex), ...value.subarray(bytes)])];
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      for (const [inner, bytes, replace] of placesIn(item, `${where}[${i}]`)) {
        yield [inner, bytes, (hex) => value.with(i, replace(hex)) as unknown];
      }
    }
  }
}

function* placesOf(request: RouteRequest): Generator<Place> {
  const { path, body } = request;
  const noHeaders = {};
  for (const match of path.matchAll(/[0-9a-f]{64}|[0-9a-f]{32}/g)) {
    const [found] = match;
    const at = match.index;
    yield {
      where: `path at ${at}`,
      bytes: found.length === 64 ? 32 : 16,
      with: (hex) => ({
        request: { ...request, path: path.slice(0, at) + hex + path.slice(at + found.length) },
        headers: noHeaders,
      }),
    };
  }
  for (const [where, bytes, replace] of placesIn(body, 'body')) {
    yield {
      where,
      bytes,
      with: (hex) => ({ request: { ...request, body: replace(hex) as unknown[] }, headers: noHeaders }),
    };
  }
  for (const header of ['tidemark-device', 'idempotency-key']) {
    yield { where: header, bytes: 16, with: (hex) => ({ request, headers: { [header]: hex } }) };
  }
}

/** Made of what was sent, or of nothing: what a route answers with a new id. */
const made: Readonly<Record<string, RegExp>> = {
  'POST /workspaces': /"workspaceId":"[^"]*"/g,
  'POST /devices': /"deviceId":"[^"]*"/g,
  'POST /upload/session': /"sessionId":"[^"]*"/g,
};

/**
 * What the answer says, less what is new in every answer, what follows from the id and nothing else (roots, signatures, and signatures
 * of URLs), and the id itself, whose every form becomes the same word.
 */
async function seen(route: string, response: Response, hex: string): Promise<string> {
  const text = (await response.text())
    .replaceAll(made[route] ?? /^$/g, '')
    .replaceAll(/"correlationId":"[^"]*"/g, '')
    .replaceAll(hex, 'ID')
    .replaceAll(`${hex.slice(0, 2)}/${hex.slice(2, 4)}/ID`, 'NAME')
    .replaceAll(bytesToBase64url(hexToBytes(hex)), 'ID')
    .replaceAll(/sig=[^"&]+/g, 'sig=')
    .replaceAll(/"(root|chain|signature)":"[^"]*"/g, '"$1":""');
  const headers = [...response.headers].filter(
    ([name]) => !/^(x-correlation-id|traceparent|etag|content-length)$/.test(name),
  );
  return JSON.stringify([response.status, headers, text]);
}

function isNamed(text: string, hex: string): boolean {
  return text.includes(hex) || text.includes(bytesToBase64url(hexToBytes(hex)));
}

async function stateOf(metadata: MetadataStore, s: Subject): Promise<unknown> {
  return Promise.all([
    metadata.workspaces.get(s.workspaceId),
    metadata.journal.getHead(s.workspaceId),
    metadata.chunks.usage(s.workspaceId),
    metadata.quarantine.list(s.workspaceId, null, 10),
    metadata.sessions.get(s.workspaceId, s.sessionId, 0),
    metadata.devices.get(s.deviceId),
  ]);
}

async function asEve(world: MatrixWorld, route: string, place: Place, hex: string): Promise<Response> {
  const { request, headers } = place.with(hex);
  return world.world.api.handle(toRequest(route, request, 'eve', headers));
}

describe('an id of somebody else', () => {
  for (const [route, toBody] of Object.entries(requests)) {
    if (route.includes('/operator/')) continue;
    it(`${route}: is in every place as one that nobody ever had`, async () => {
      let world = await createMatrixWorld();
      const fresh = async (): Promise<MatrixWorld> => {
        if (world.writes.length > 0) world = await createMatrixWorld();
        return world;
      };
      const before = await stateOf(world.world.deps.metadata, world.ann);
      const good = await world.world.api.handle(toRequest(route, toBody(world.eve), 'eve'));
      assert.equal(good.status, 200, 'with her own ids the request is right');
      for (const place of placesOf(toBody(world.eve))) {
        const nobodys = unknown.slice(0, place.bytes * 2);
        const none = await seen(route, await asEve(await fresh(), route, place, nobodys), nobodys);
        for (const [kind, hex] of Object.entries(idsOf(world.ann)[place.bytes])) {
          const tried = await fresh();
          const response = await asEve(tried, route, place, hex);
          const text = await response.clone().text();
          const where = `${place.where} is ann's ${kind}`;
          assert.equal(await seen(route, response, hex), none, where);
          assert.ok(!text.includes(secretOf('ann')), where);
          if (hex !== tried.ann.workspaceId) assert.ok(!isNamed(text, tried.ann.workspaceId), where);
          assert.deepEqual(await stateOf(tried.world.deps.metadata, tried.ann), before, where);
        }
      }
    });
  }

  it('in a manifest of her own brings no chunk of somebody else', async () => {
    const answers: string[] = [];
    for (const pick of [({ ann }: MatrixWorld) => ann.chunk, () => unknown as Digest]) {
      const matrix = await createMatrixWorld();
      const { world, eve, ann } = matrix;
      const hash = pick(matrix);
      const hashes = digestsToColumn([hash, eve.chunk]);
      const built = buildManifest(1, { hashes, lengths: Uint32Array.of(ann.chunkBytes, eve.chunkBytes) });
      const put = putOperation({ node: 'stolen', name: 'stolen', text: '' });
      const operation = put.kind === 'put' ? { ...put, content: built.root, size: built.size } : put;
      const device = new TestDevice(world, 'eve', eve.workspaceId, eve.deviceId);
      const more = {
        manifests: [{ root: built.root, manifest: built.manifest! }],
        segments: [...built.segments].map(([name, segment]) => ({ hash: name, segment })),
      };
      const problem = await mustFail(device.send(device.request([operation], more), 'stolen'), 'missing-chunks');
      answers.push(JSON.stringify({ ...problem, correlationId: '' }).replaceAll(hash, 'ID'));
    }
    assert.equal(answers[0], answers[1]);
  });

  it('is nothing to an operator who names another workspace with it', async () => {
    const { world, ann, eve, writes } = await createMatrixWorld();
    for (const route of ['POST /operator/quarantine/release', 'POST /operator/quarantine/purge']) {
      const mixed = { ...eve, quarantined: ann.quarantined };
      const answer = await world.api.handle(toRequest(route, requests[route]!(mixed), 'olga'));
      assert.equal(answer.status, 404, await answer.text());
    }
    assert.deepEqual(writes, []);
  });
});
