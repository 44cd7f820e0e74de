/** The Idempotency-Key of a commit, as callers meet it. What the use case promises is in tests/services/idempotency.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { ApiDependencies } from '../../shared/api/api.ts';
import { limits } from '../../shared/core/limits.ts';
import { type CommitRequest, commitRequest, commitResponse } from '../../shared/core/wire/commit.ts';
import { decodeBody, encodeBody, encodeJson, mediaTypes } from '../../shared/core/wire/envelope.ts';
import { readProblem } from './world/calls.ts';
import { TestDevice, createWorkspaceAs, putOperation } from './world/test-device.ts';
import { type TestWorld, createTestWorld } from './world/test-world.ts';

const key = 'ab'.repeat(16);

interface Scene {
  readonly world: TestWorld;
  readonly ann: TestDevice;
}

async function setScene(adapt?: (deps: ApiDependencies) => ApiDependencies): Promise<Scene> {
  const world = createTestWorld(adapt === undefined ? {} : { adapt });
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  return { world, ann: await TestDevice.register(world, 'ann', workspaceId, 'laptop') };
}

function commit(
  { world }: Scene,
  request: CommitRequest,
  headers: Readonly<Record<string, string>> = { 'idempotency-key': key },
  form: 'msgpack' | 'json' = 'msgpack',
): Promise<Response> {
  const body =
    form === 'json' ? encodeJson(commitRequest, request) : encodeBody(commitRequest, request, nodeCodecs.lz4);
  return world.api.handle(
    new Request('https://tidemark.test/api/manifest/commit', {
      method: 'POST',
      headers: { authorization: 'Bearer ann', 'content-type': mediaTypes[form], ...headers },
      body: body as string | Uint8Array<ArrayBuffer>,
    }),
  );
}

const put = (text: string) => putOperation({ node: 'n', name: 'n.txt', text });

describe('an Idempotency-Key', () => {
  it('is needed, and refused before the body is read', async () => {
    const scene = await setScene();
    const request = scene.ann.request([]);
    assert.equal((await readProblem(await commit(scene, request, {}))).code, 'idempotency-key-missing');
    for (const odd of ['', 'x', 'AB'.repeat(16), '0'.repeat(31), '0'.repeat(33)]) {
      assert.equal((await readProblem(await commit(scene, request, { 'idempotency-key': odd }))).status, 400);
    }
  });

  it('gives a repeat the same answer byte for byte, in either form, whatever happened since', async () => {
    const scene = await setScene();
    await scene.ann.commitPut({ node: 'base', name: 'base.txt', text: 'one' });
    const request = scene.ann.request([put('one')]);
    for (const form of ['msgpack', 'json'] as const) {
      const headers = { 'idempotency-key': form === 'json' ? key : 'cd'.repeat(16) };
      const operations = scene.ann.request([putOperation({ node: form, name: form, text: 'one' })]);
      const first = new Uint8Array(await (await commit(scene, operations, headers, form)).arrayBuffer());
      await scene.ann.commitPut({ node: `later ${form}`, name: `later ${form}`, text: '' });
      scene.world.clock.ms += 60_000;
      const again = await commit(scene, operations, headers, form);
      assert.equal(again.status, 200);
      assert.deepEqual(new Uint8Array(await again.arrayBuffer()), first);
    }
    const other = await readProblem(await commit(scene, request));
    assert.deepEqual([other.status, other.code], [422, 'idempotency-key-reused']);
  });

  it('that is being worked on is answered so, with the second to wait, and is free again afterwards', async () => {
    const gate = Promise.withResolvers<undefined>();
    const started = Promise.withResolvers<undefined>();
    const scene = await setScene((deps) => ({
      ...deps,
      commit: async (needs, input) => {
        started.resolve(undefined);
        await gate.promise;
        return deps.commit(needs, input);
      },
    }));
    const request = scene.ann.request([]);
    const first = commit(scene, request);
    await started.promise;
    const response = await commit(scene, request);
    assert.equal(response.headers.get('retry-after'), '1');
    const problem = await readProblem(response);
    assert.deepEqual([problem.status, problem.code, problem['retryable']], [409, 'in-progress', true]);
    gate.resolve(undefined);
    const answers = [
      await first,
      await commit(scene, request, { 'idempotency-key': 'ef'.repeat(16) }),
      await commit(scene, request),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
  });

  it('is free again after a failure', async () => {
    let failures = 1;
    const scene = await setScene((deps) => ({
      ...deps,
      commit: (needs, input) =>
        failures-- > 0 ? Promise.reject(new Error('a store broke')) : deps.commit(needs, input),
    }));
    const request = scene.ann.request([]);
    assert.deepEqual([(await commit(scene, request)).status, (await commit(scene, request)).status], [500, 200]);
  });

  it('whose answer was forgotten does no harm: bases are checked, the content stands once', async () => {
    const scene = await setScene();
    await scene.ann.commitPut({ node: 'base', name: 'base.txt', text: 'one' });
    const request = scene.ann.request([put('one')]);
    const statuses = async (): Promise<readonly string[]> => {
      const bytes = new Uint8Array(await (await commit(scene, request)).arrayBuffer());
      return decodeBody(commitResponse, bytes, nodeCodecs.lz4).outcomes.map(({ status }) => status);
    };
    assert.deepEqual(await statuses(), ['applied']);
    scene.world.clock.ms += (limits.requestRecordSeconds + 1) * 1_000;
    assert.ok((await scene.world.deps.metadata.journal.sweepRequests(scene.world.clock.ms)) >= 1);
    assert.deepEqual(await statuses(), ['agreed']);
    assert.deepEqual([...(await scene.ann.list()).keys()], ['base.txt', 'n.txt']);
  });
});
