/**
 * Token buckets in the memory of one process: several instances of a service each allow the policy's rate. Time that steps back
 * refills nothing and takes nothing away.
 */
import { TidemarkError } from '../../core/errors.ts';
import type { RateDecision, RateLimiter, RatePolicy } from '../../ports/rate-limiter.ts';

interface Bucket {
  /** At `atMs`; between 0 and the policy's burst. */
  tokens: number;
  atMs: number;
}

/** Of a token, which rounding of the refill may have lost: who waits exactly as long as told is not refused for it. */
const slack = 1e-6;

/** About 100 bytes each. */
const defaultKeysMax = 100_000;

export interface TokenBucketLimiter extends RateLimiter {
  /** How many keys are remembered. */
  readonly keys: number;
}

class Limiter implements TokenBucketLimiter {
  readonly policy: RatePolicy;
  readonly #keysMax: number;
  /** In the order of their last takes. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(policy: RatePolicy, keysMax: number) {
    this.policy = policy;
    this.#keysMax = keysMax;
  }

  get keys(): number {
    return this.#buckets.size;
  }

  take(key: string, nowMs: number): RateDecision {
    const bucket = this.#refilled(key, nowMs);
    const allowed = bucket.tokens >= 1 - slack;
    if (allowed) bucket.tokens = Math.max(0, bucket.tokens - 1);
    this.#buckets.delete(key);
    this.#forget(nowMs);
    this.#buckets.set(key, bucket);
    return {
      allowed,
      remaining: Math.floor(bucket.tokens + slack),
      retryAfterSeconds: this.#secondsUntil(1, bucket.tokens),
      resetSeconds: this.#secondsUntil(this.policy.burst, bucket.tokens),
    };
  }

  #secondsUntil(wanted: number, tokens: number): number {
    // Half of the slack is left for the rounding of the refill that follows.
    return tokens >= wanted - slack ? 0 : Math.ceil((wanted - tokens - slack / 2) / this.policy.perSecond);
  }

  #refilled(key: string, nowMs: number): Bucket {
    const { burst, perSecond } = this.policy;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return { tokens: burst, atMs: nowMs };
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    return { tokens: Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1_000), atMs: nowMs };
  }

  /**
   * Forgets the buckets that have been left alone long enough to be full, and, to stay within the bound, those that were
   * left alone longest: their keys may have a full bucket early.
   */
  #forget(nowMs: number): void {
    const fullAfterMs = (this.policy.burst / this.policy.perSecond) * 1_000;
    for (const [key, { atMs }] of this.#buckets) {
      if (this.#buckets.size < this.#keysMax && nowMs - atMs < fullAfterMs) return;
      this.#buckets.delete(key);
    }
  }
}

/** Remembers at most `keysMax` keys. Throws `malformed` on a policy that would never allow anything. */
export function createTokenBucketLimiter(
  policy: RatePolicy,
  options: { readonly keysMax?: number } = {},
): TokenBucketLimiter {
  const { keysMax = defaultKeysMax } = options;
  if (!(policy.burst >= 1) || !(policy.perSecond > 0) || !(keysMax >= 1)) {
    throw new TidemarkError('malformed', 'a rate limit allows one request at least, and more with time');
  }
  return new Limiter({ ...policy }, keysMax);
}
