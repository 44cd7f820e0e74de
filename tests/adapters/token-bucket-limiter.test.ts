import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createTokenBucketLimiter } from '../../shared/adapters/memory/token-bucket-limiter.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';

/** One bucket, counted in whole numbers: a token is 1,000 * `seconds` of them, and each millisecond brings `tokens`. */
class ExactBucket {
  readonly #full: bigint;
  readonly #one: bigint;
  readonly #perMs: bigint;
  #level: bigint;
  #atMs: number | undefined;

  constructor(burst: number, tokens: number, seconds: number) {
    this.#one = 1_000n * BigInt(seconds);
    this.#perMs = BigInt(tokens);
    this.#full = BigInt(burst) * this.#one;
    this.#level = this.#full;
  }

  #ceilSeconds(level: bigint): number {
    const perSecond = this.#perMs * 1_000n;
    return level <= 0n ? 0 : Number((level + perSecond - 1n) / perSecond);
  }

  take(nowMs: number) {
    const elapsed = BigInt(Math.max(0, nowMs - (this.#atMs ?? nowMs)));
    const refilled = this.#level + elapsed * this.#perMs;
    this.#level = refilled > this.#full ? this.#full : refilled;
    this.#atMs = nowMs;
    const allowed = this.#level >= this.#one;
    if (allowed) this.#level -= this.#one;
    return {
      allowed,
      remaining: Number(this.#level / this.#one),
      retryAfterSeconds: this.#ceilSeconds(this.#one - this.#level),
      resetSeconds: this.#ceilSeconds(this.#full - this.#level),
    };
  }
}

const policies = fc.record({
  burst: fc.integer({ min: 1, max: 5 }),
  tokens: fc.integer({ min: 1, max: 20 }),
  seconds: fc.integer({ min: 1, max: 30 }),
});
const oneKeyInAnyTime = fc.array(fc.record({ key: fc.constant('a'), ms: fc.integer({ min: -2_000, max: 4_000 }) }), {
  maxLength: 60,
});
/** Not backwards: a key that was forgotten because its bucket was full stays full in the past too. */
const keysInTime = fc.array(fc.record({ key: fc.constantFrom('a', 'b', '__proto__'), ms: fc.nat(4_000) }), {
  maxLength: 60,
});

test('each key has the bucket that whole numbers give, whatever the clock does', () => {
  fc.assert(
    fc.property(policies, fc.oneof(oneKeyInAnyTime, keysInTime), ({ burst, tokens, seconds }, taken) => {
      const limiter = createTokenBucketLimiter({ name: 'user', burst, perSecond: tokens / seconds });
      const model = new Map(['a', 'b', '__proto__'].map((key) => [key, new ExactBucket(burst, tokens, seconds)]));
      let nowMs = 1_000_000;
      for (const { key, ms } of taken) {
        nowMs += ms;
        assert.deepEqual(limiter.take(key, nowMs), model.get(key)!.take(nowMs));
      }
    }),
    { numRuns: 300 },
  );
});

test('who waits as long as told is allowed then, and not a whole second earlier', () => {
  fc.assert(
    fc.property(policies, fc.nat(5_000), ({ burst, tokens, seconds }, startMs) => {
      const exhausted = () => {
        const limiter = createTokenBucketLimiter({ name: 'user', burst, perSecond: tokens / seconds });
        for (let i = 1; i < burst; i++) limiter.take('a', 0);
        return { limiter, waitMs: limiter.take('a', startMs).retryAfterSeconds * 1_000 };
      };
      const { limiter, waitMs } = exhausted();
      assert.equal(limiter.take('a', startMs + waitMs).allowed, true);
      if (waitMs > 1_000) assert.equal(exhausted().limiter.take('a', startMs + waitMs - 1_001).allowed, false);
    }),
    { numRuns: 300 },
  );
});

test('rounding costs nobody a request: ten refills of a tenth are one', () => {
  const limiter = createTokenBucketLimiter({ name: 'user', burst: 1, perSecond: 0.1 });
  const allowed = Array.from({ length: 11 }, (_, second) => limiter.take('a', second * 1_000).allowed);
  assert.deepEqual(allowed, [true, ...Array.from({ length: 9 }, () => false), true]);
});

test('in any span of time a key gets at most the burst and what the span brings', () => {
  fc.assert(
    fc.property(policies, fc.array(fc.nat(700), { maxLength: 100 }), ({ burst, tokens, seconds }, waits) => {
      const limiter = createTokenBucketLimiter({ name: 'user', burst, perSecond: tokens / seconds });
      let nowMs = 0;
      const allowedAt: number[] = [];
      for (const wait of waits) {
        nowMs += wait;
        if (limiter.take('a', nowMs).allowed) allowedAt.push(nowMs);
      }
      for (const [i, fromMs] of allowedAt.entries()) {
        for (let j = i; j < allowedAt.length; j++) {
          const brought = ((allowedAt[j]! - fromMs) * tokens) / seconds / 1_000;
          assert.ok(j - i + 1 <= burst + brought + 1e-3);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('full buckets are forgotten, and keys are bounded; those used last are kept', () => {
  const limiter = createTokenBucketLimiter({ name: 'user', burst: 2, perSecond: 1 }, { keysMax: 3 });
  limiter.take('a', 0);
  limiter.take('b', 500);
  assert.equal(limiter.keys, 2);
  limiter.take('c', 2_000);
  assert.equal(limiter.keys, 2);
  for (const key of ['d', 'e', 'f']) limiter.take(key, 2_000);
  assert.equal(limiter.keys, 3);
  assert.equal(limiter.take('f', 2_000).remaining, 0);
  assert.equal(limiter.take('f', 2_000).allowed, false);
  limiter.take('d', 2_000);
  limiter.take('new', 2_000);
  assert.equal(limiter.take('d', 2_000).allowed, false);
  assert.equal(limiter.take('e', 2_000).remaining, 1);
  for (let i = 0; i < 1_000; i++) limiter.take(`flood ${i}`, 2_000);
  assert.equal(limiter.keys, 3);
});

test('a policy that would never allow anything is refused', () => {
  for (const wrong of [{ burst: 0 }, { burst: Number.NaN }, { perSecond: 0 }, { perSecond: -1 }]) {
    assert.throws(
      () => createTokenBucketLimiter({ name: 'user', burst: 1, perSecond: 1, ...wrong }),
      (error) => isTidemarkError(error, 'malformed'),
    );
  }
});
