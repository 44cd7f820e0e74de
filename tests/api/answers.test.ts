/** The form of answers: what the caller asks for, what caches may keep, and that a fault of ours says nothing about itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesToBase64url } from '../../shared/core/bytes.ts';
import { mediaTypes } from '../../shared/core/wire/envelope.ts';
import type { ApiDependencies } from '../../shared/api/api.ts';
import { redact } from '../../shared/api/redact.ts';
import { readProblem } from './world/calls.ts';
import { TestDevice, createWorkspaceAs, idBytesOf } from './world/test-device.ts';
import { type TestWorld, createTestWorld } from './world/test-world.ts';

function get(world: TestWorld, path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const authorization = 'Bearer ann';
  return world.api.handle(new Request(`https://tidemark.test/api${path}`, { headers: { authorization, ...headers } }));
}

describe('the form of an answer', () => {
  it('is what Accept names first of what we have; else that of the request; else JSON', async () => {
    const world = createTestWorld();
    const forms: readonly (readonly [accept: Readonly<Record<string, string>>, type: string])[] = [
      [{}, mediaTypes.json],
      [{ accept: '*/*' }, mediaTypes.json],
      [{ accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, mediaTypes.json],
      [{ accept: 'application/msgpack' }, mediaTypes.msgpack],
      [{ accept: 'application/x-msgpack' }, mediaTypes.msgpack],
      [{ accept: 'application/msgpack;q=0, application/json' }, mediaTypes.json],
      [{ 'content-type': 'application/msgpack' }, mediaTypes.msgpack],
    ];
    for (const [headers, type] of forms) {
      const response = await get(world, '/workspaces', headers);
      assert.equal(response.headers.get('content-type'), type, JSON.stringify(headers));
    }
  });

  it('may be JSON both ways, with camelCase names and ids in hex', async () => {
    const world = createTestWorld();
    const body = {
      token: bytesToBase64url(idBytesOf('t')),
      name: 'Fotos',
      mode: 'shared',
      policy: 'merge',
      region: 'north',
    };
    const request = new Request('https://tidemark.test/api/workspaces', {
      method: 'POST',
      headers: { authorization: 'Bearer ann', 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ ...body, unknown: 'is dropped' }),
    });
    const response = await world.api.handle(request);
    assert.equal(response.status, 200);
    const answer = (await response.json()) as Record<string, unknown>;
    const { workspaceId, createdMs, root, ...rest } = answer;
    assert.match(String(workspaceId), /^[0-9a-f]{32}$/);
    assert.match(String(root), /^[0-9a-f]{64}$/);
    assert.equal(createdMs, world.clock.ms);
    const asked = { name: 'Fotos', mode: 'shared', policy: 'merge', region: 'north', sha256: false };
    const holds = { seq: 0, files: 0, bytes: 0, filesMax: null, bytesMax: null };
    assert.deepEqual(rest, { ...asked, ...holds, role: 'owner', version: 1, deletedMs: null });
  });

  it('is not kept by caches, but for keys and configuration', async () => {
    const world = createTestWorld();
    assert.equal((await get(world, '/workspaces', {})).headers.get('cache-control'), 'no-store');
    assert.equal((await get(world, '/nothing', {})).headers.get('cache-control'), 'no-store');
    for (const path of ['/.well-known/tidemark-keys.json', '/.well-known/tidemark-configuration']) {
      assert.equal((await get(world, path, {})).headers.get('cache-control'), 'public, max-age=300');
    }
  });
});

describe('a fault of ours', () => {
  const secret = 'https://store.test/c/x?sv=1&sig=SECRET%2B Bearer eyJhbGciOiJub25lIn0.e30.c2ln';
  const failing = (deps: ApiDependencies): ApiDependencies => {
    const { workspaces } = deps.metadata;
    const broken = {
      create: (...args: Parameters<typeof workspaces.create>) => workspaces.create(...args),
      get: (...args: Parameters<typeof workspaces.get>) => workspaces.get(...args),
      listOfMember: () => Promise.reject(new Error(`cannot reach ${secret}`)),
      replace: (...args: Parameters<typeof workspaces.replace>) => workspaces.replace(...args),
      listAll: (...args: Parameters<typeof workspaces.listAll>) => workspaces.listAll(...args),
    };
    return { ...deps, metadata: { ...deps.metadata, workspaces: broken } };
  };

  it('is answered with a correlation id and nothing else; the log has the rest, less what opens doors', async () => {
    const world = createTestWorld({ adapt: failing });
    const problem = await readProblem(await get(world, '/workspaces', {}));
    assert.deepEqual([problem.status, problem.code, problem['retryable']], [500, 'internal', false]);
    assert.doesNotMatch(JSON.stringify(problem), /store\.test|SECRET|cannot reach/);
    const line = world.logged.find((logged) => logged.includes(problem.correlationId));
    assert.match(line ?? '', /cannot reach https:\/\/store\.test/);
    assert.doesNotMatch(line ?? '', /SECRET|eyJ/);
  });

  it('in the bytes of a store is a fault of ours, and is not blamed on the request', async () => {
    const world = createTestWorld({
      adapt: (deps) => {
        const { objects } = deps.metadata;
        const rotten = {
          putObjects: (...args: Parameters<typeof objects.putObjects>) => objects.putObjects(...args),
          getObjects: async (...args: Parameters<typeof objects.getObjects>) =>
            (await objects.getObjects(...args)).map((bytes) => bytes?.map((byte, i) => (i === 5 ? byte ^ 1 : byte))),
        };
        return { ...deps, metadata: { ...deps.metadata, objects: rotten } };
      },
    });
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    await ann.commitPut({ node: 'a', name: 'a', text: '' });
    const problem = await readProblem(await get(world, `/workspaces/${workspaceId}/tree`, {}));
    assert.deepEqual([problem.status, problem.code], [500, 'internal']);
  });

  it('loses signatures and tokens in every form', () => {
    const text = redact(`${secret}&Sig=A 'token=B' ?access_token=C authorization: bearer D`);
    assert.doesNotMatch(text, /SECRET|eyJ|Sig=A|token=C|bearer D/);
    assert.match(text, /https:\/\/store\.test\/c\/x\?sv=1/);
  });
});
