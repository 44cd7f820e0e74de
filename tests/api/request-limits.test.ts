/** What bounds a caller: requests of a user, failed tokens of everybody, the length of a URL. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Api } from '../../shared/api/api.ts';
import { failedTokensPolicy, withFailureLimit } from '../../shared/api/limited-tokens.ts';
import { limitField, policyField } from '../../shared/api/rate-limit.ts';
import { createTokenBucketLimiter } from '../../shared/adapters/memory/token-bucket-limiter.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseUserId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import type { TokenVerifier } from '../../shared/ports/token-verifier.ts';
import { readProblem } from './world/calls.ts';
import { createTestWorld } from './world/test-world.ts';

function get(api: Api, token: string | null, path = '/workspaces'): Promise<Response> {
  const headers = new Headers(token === null ? {} : { authorization: `Bearer ${token}` });
  return api.handle(new Request(`https://tidemark.test/api${path}`, { headers }));
}

const policy = { name: 'user', burst: 3, perSecond: 0.5 };

describe('a rate limit', () => {
  it('is told on every answer to a caller with a token, refusals too, and to nobody else', async () => {
    const world = createTestWorld({ adapt: (deps) => ({ ...deps, rateLimiter: createTokenBucketLimiter(policy) }) });
    const answers: readonly (readonly [response: Response, status: number, left: string | null])[] = [
      [await get(world.api, 'ann'), 200, '"user";r=2;t=2'],
      [await get(world.api, 'ann', '/workspaces/x'), 400, '"user";r=1;t=4'],
      [await get(world.api, 'ann', `/workspaces/${'1'.repeat(32)}`), 404, '"user";r=0;t=6'],
      [await get(world.api, null), 401, null],
      [await get(world.api, 'nobody'), 401, null],
      [await get(world.api, null, '/health'), 200, null],
      [await get(world.api, 'ann', '/nothing'), 404, null],
    ];
    for (const [response, status, left] of answers) {
      assert.deepEqual([response.status, response.headers.get('ratelimit')], [status, left]);
      assert.equal(response.headers.get('ratelimit-policy'), left === null ? null : '"user";q=3;w=6');
    }
  });

  it('refuses with the seconds to wait, before anything is looked up, and lets in again after them', async () => {
    const world = createTestWorld({ adapt: (deps) => ({ ...deps, rateLimiter: createTokenBucketLimiter(policy) }) });
    for (let i = 0; i < policy.burst; i++) await get(world.api, 'ann');
    const refused = await get(world.api, 'ann', '/workspaces/x');
    assert.deepEqual([refused.headers.get('retry-after'), refused.headers.get('ratelimit')], ['2', '"user";r=0;t=6']);
    const problem = await readProblem(refused);
    assert.deepEqual([problem.status, problem.code, problem['retryable']], [429, 'rate-limited', true]);
    assert.equal(problem['retryAfterSeconds'], 2);
    assert.equal((await get(world.api, 'bob')).status, 200, 'each user has a bucket of their own');
    world.clock.ms += 2_000;
    assert.equal((await get(world.api, 'ann')).status, 200);
  });

  it('is written as structured fields', () => {
    assert.equal(policyField({ name: 'user', burst: 1_000, perSecond: 1_000 / 60 }), '"user";q=1000;w=60');
    const decision = { allowed: true, remaining: 999, retryAfterSeconds: 0, resetSeconds: 1 };
    assert.equal(limitField({ name: 'user', burst: 1_000, perSecond: 10 }, decision), '"user";r=999;t=1');
  });
});

describe('failed tokens', () => {
  const clock = { ms: 0, now: () => clock.ms };
  function setScene(): { readonly tokens: TokenVerifier; readonly checked: string[] } {
    clock.ms = 1_000_000;
    const checked: string[] = [];
    const plain: TokenVerifier = {
      verify: async (token) => {
        checked.push(token);
        if (token === 'down') throw new TidemarkError('unavailable', 'the issuer is away');
        if (!token.startsWith('good')) throw new TidemarkError('unauthenticated', 'no');
        return { userId: parseUserId('test|ann'), scopes: new Set() };
      },
    };
    const limiter = createTokenBucketLimiter({ name: 'failed', burst: 3, perSecond: 1 });
    return { tokens: withFailureLimit(plain, limiter, clock), checked };
  }
  const fails = (code: string) => (error: unknown) => error instanceof TidemarkError && error.code === code;

  it('are not looked at when there were too many; who was in stays in', async () => {
    const { tokens, checked } = setScene();
    await tokens.verify('good old');
    for (let i = 0; i < 3; i++) await assert.rejects(tokens.verify(`bad ${i}`), fails('unauthenticated'));
    for (const token of ['bad 3', 'bad 0', 'good new'])
      await assert.rejects(tokens.verify(token), fails('rate-limited'));
    await tokens.verify('good old');
    assert.deepEqual(checked, ['good old', 'bad 0', 'bad 1', 'bad 2', 'good old']);
    clock.ms += 1_000;
    await tokens.verify('good new');
  });

  it('cost a bounded number of checks, however many come', async () => {
    const { tokens, checked } = setScene();
    for (let i = 0; i < 10_000; i++) {
      clock.ms += 1;
      await assert.rejects(tokens.verify(`bad ${i}`));
    }
    assert.ok(checked.length <= 3 + 10 + 1, `${checked.length} checks in ten seconds`);
  });

  it('do not count when the issuer is away, and a clock that goes back opens', async () => {
    const { tokens } = setScene();
    for (let i = 0; i < 10; i++) await assert.rejects(tokens.verify('down'), fails('unavailable'));
    for (let i = 0; i < 3; i++) await assert.rejects(tokens.verify(`bad ${i}`), fails('unauthenticated'));
    await assert.rejects(tokens.verify('good'), fails('rate-limited'));
    clock.ms -= 3_600_000;
    await tokens.verify('good');
  });

  it('of a token that was good once are failures like any other', async () => {
    let good = true;
    const fickle: TokenVerifier = {
      verify: async () => {
        if (!good) throw new TidemarkError('unauthenticated', 'expired');
        return { userId: parseUserId('test|ann'), scopes: new Set() };
      },
    };
    const tokens = withFailureLimit(fickle, createTokenBucketLimiter({ name: 'f', burst: 1, perSecond: 1 }), clock);
    await tokens.verify('token');
    good = false;
    await assert.rejects(tokens.verify('token'), fails('unauthenticated'));
    await assert.rejects(tokens.verify('token'), fails('rate-limited'));
  });

  it('have a bucket that is far below what a core can check', () => {
    assert.ok(failedTokensPolicy.perSecond <= 100);
  });
});

describe('a URL', () => {
  it('over the limit is refused with the limit, before it is looked at', async () => {
    const { api } = createTestWorld();
    const { urlBytesMax } = limits;
    const problem = await readProblem(await get(api, 'ann', `/workspaces?x=${'a'.repeat(urlBytesMax)}`));
    assert.deepEqual([problem.status, problem.code, problem['urlBytesMax']], [413, 'too-large', urlBytesMax]);
    const long = `/workspaces/${'1'.repeat(32)}/tree?path=${'%2F'.repeat(limits.pathBytesMax)}`;
    assert.equal((await get(api, 'ann', long)).status, 404, 'a path of full length, each byte escaped, fits');
  });
});
