/** What goes with a request besides its message: the store's session, its trace, and what is counted and logged of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ApiDependencies, routes } from '../../shared/api/api.ts';
import type { MetricAttributes } from '../../shared/ports/metrics.ts';
import type { RequestScope } from '../../shared/ports/request-scope.ts';
import { readProblem } from './world/calls.ts';
import { type TestWorld, createTestWorld } from './world/test-world.ts';

function send(
  { api }: Pick<TestWorld, 'api'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Response> {
  const all = { authorization: 'Bearer ann', ...headers };
  return api.handle(new Request(`https://tidemark.test/api${path}`, { method, headers: all }));
}

/** A store whose session counts up, and which charges 2.5 for each request. */
function countingScope(given: (string | null)[]): RequestScope {
  return {
    run: async (sessionToken, work) => {
      given.push(sessionToken);
      return { value: await work(), sessionToken: `session-${given.length}`, charge: 2.5 };
    },
  };
}

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly attributes: MetricAttributes | undefined;
}

function measuring(into: Measured[]): ApiDependencies['metrics'] {
  const note = (name: string, value: number, attributes?: MetricAttributes): void => {
    into.push({ name, value, attributes });
  };
  return { count: note, record: note };
}

describe("the store's session", () => {
  it('goes in and out with every request that has a token, refusals too, and what it cost', async () => {
    const given: (string | null)[] = [];
    const measured: Measured[] = [];
    const world = createTestWorld({
      adapt: (deps) => ({ ...deps, scope: countingScope(given), metrics: measuring(measured) }),
    });
    const first = await send(world, '/workspaces');
    assert.deepEqual([first.status, first.headers.get('tidemark-session')], [200, 'session-1']);
    assert.equal(first.headers.get('tidemark-request-charge'), '2.5');
    const second = await send(world, '/workspaces/x', { 'tidemark-session': 'session-1' });
    assert.deepEqual([second.status, second.headers.get('tidemark-session')], [400, 'session-2']);
    for (const garbage of ['', 'two words', 'x'.repeat(9_000), 'f\u00fcr']) {
      assert.equal((await send(world, '/workspaces', { 'tidemark-session': garbage })).status, 200);
    }
    assert.deepEqual(given, [null, 'session-1', null, null, null, null]);
    const charged = measured.filter(({ name }) => name === 'tidemark.request.charge');
    assert.deepEqual(charged[1], {
      name: 'tidemark.request.charge',
      value: 2.5,
      attributes: { route: '/workspaces/{ws}' },
    });
    for (const path of ['/health', '/nothing']) {
      assert.equal((await send(world, path)).headers.get('tidemark-session'), null);
    }
  });

  it('leaves no trace where the store needs none, or gives what no header can hold', async () => {
    const plain = await send(createTestWorld(), '/workspaces');
    assert.deepEqual(
      [plain.headers.get('tidemark-session'), plain.headers.get('tidemark-request-charge')],
      [null, null],
    );
    const scope: RequestScope = {
      run: async (_, work) => ({ value: await work(), sessionToken: 'a\nb', charge: 0 }),
    };
    const odd = await send(createTestWorld({ adapt: (deps) => ({ ...deps, scope }) }), '/workspaces');
    assert.deepEqual([odd.status, odd.headers.get('tidemark-session')], [200, null]);
  });
});

describe('the trace', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const parent = 'b7ad6b7169203331';
  const parentOf = async (traceparent: string | null): Promise<readonly string[]> => {
    const response = await send(createTestWorld(), '/health', traceparent === null ? {} : { traceparent });
    const answered = response.headers.get('traceparent') ?? '';
    assert.match(answered, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    return answered.split('-');
  };

  it("goes on with a span of this request's own, sampled as the caller says", async () => {
    const cases = { '00': '00', '01': '01', ff: '01', '02': '00' };
    for (const [flags, kept] of Object.entries(cases)) {
      const [, traceId, spanId, answered] = await parentOf(`00-${trace}-${parent}-${flags}`);
      assert.deepEqual([traceId, answered], [trace, kept]);
      assert.notEqual(spanId, parent);
    }
  });

  it('of a later version is read by what version 00 has of it', async () => {
    for (const later of [`01-${trace}-${parent}-01`, `cc-${trace}-${parent}-01-what-the-future-brings`]) {
      assert.equal((await parentOf(later))[1], trace);
    }
  });

  it('starts anew without a valid one', async () => {
    const bad = [
      null,
      '',
      '00-x',
      `00-${trace}-${parent}-01-more`,
      `00-${trace}-${parent}-01 `.trimEnd() + '-',
      `ff-${trace}-${parent}-01`,
      `00-${'0'.repeat(32)}-${parent}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `00-${trace.toUpperCase()}-${parent}-01`,
      `00-${trace}-${parent}`,
      `00-${trace.slice(1)}-${parent}-01`,
      `01-${trace}-${parent}-011`,
      `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`,
    ];
    for (const value of bad) assert.notEqual((await parentOf(value))[1], trace, String(value));
  });

  it('names the request where nobody else does', async () => {
    const response = await send(createTestWorld(), '/health', { traceparent: `00-${trace}-${parent}-01` });
    assert.equal(response.headers.get('x-correlation-id'), trace);
  });
});

describe('what is counted', () => {
  it('is every request by its route, method and class of status, with the milliseconds it took', async () => {
    const measured: Measured[] = [];
    const world = createTestWorld({
      adapt: (deps) => ({
        ...deps,
        metrics: measuring(measured),
        tokens: {
          verify: (token) => {
            world.clock.ms += 7;
            return deps.tokens.verify(token);
          },
        },
      }),
    });
    await send(world, `/workspaces/${'1'.repeat(32)}?after=secret`);
    await send(world, '/made/up/by/caller', {}, 'PATCH');
    await send(world, '/health', {}, 'DELETE');
    const counts = measured.filter(({ name }) => name === 'tidemark.request.count').map(({ attributes }) => attributes);
    assert.deepEqual(counts, [
      { route: '/workspaces/{ws}', method: 'GET', status: '4xx' },
      { route: 'none', method: 'any', status: '4xx' },
      { route: 'none', method: 'any', status: '4xx' },
    ]);
    const times = measured.filter(({ name }) => name === 'tidemark.request.milliseconds').map(({ value }) => value);
    assert.deepEqual(times, [7, 0, 0]);
  });

  it('and one line is logged of each, which names no user, no token and no parameter', async () => {
    const world = createTestWorld();
    await send(world, '/workspaces/secret-id?path=secret-path', { 'x-correlation-id': 'c-1' });
    const line = world.logged.find((logged) => logged.startsWith('answered a request')) ?? '';
    const fields = JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>;
    assert.deepEqual([fields['correlationId'], fields['route'], fields['status']], ['c-1', '/workspaces/{ws}', 400]);
    assert.match(String(fields['traceId']), /^[0-9a-f]{32}$/);
    assert.doesNotMatch(world.logged.join('\n'), /secret|ann/);
  });
});

it('no cache keeps anything of a route with a token, whatever the answer', async () => {
  const world = createTestWorld();
  for (const { method, path, scope } of routes) {
    if (scope === null) continue;
    const concrete = path.replaceAll(/\{[^}]+\}/g, '1'.repeat(32));
    for (const authorization of ['Bearer ann', 'Bearer reader', 'Bearer nobody', '']) {
      const response = await send(world, concrete, { authorization }, method);
      assert.equal(response.headers.get('cache-control'), 'no-store', `${method} ${path}: ${response.status}`);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      if (!response.ok) await readProblem(response);
    }
  }
});
