/**
 * Rate limits as callers see them: the fields of draft-ietf-httpapi-ratelimit-headers-10, structured fields of RFC 9651. `q` is
 * what a full bucket holds and `w` the seconds in which an empty one is full again, so q/w is what can be kept up; `r` is what is
 * left now and `t` the seconds until the bucket is full, if nothing is taken.
 */
import { TidemarkError } from '../core/errors.ts';
import type { RateDecision, RateLimiter, RatePolicy } from '../ports/rate-limiter.ts';

export function policyField({ name, burst, perSecond }: RatePolicy): string {
  return `"${name}";q=${burst};w=${Math.max(1, Math.ceil(burst / perSecond))}`;
}

export function limitField({ name }: RatePolicy, { remaining, resetSeconds }: RateDecision): string {
  return `"${name}";r=${remaining};t=${resetSeconds}`;
}

/** Takes one request of the caller's, and tells in `answer`'s headers how many are left. Throws `rate-limited` when none was. */
export function takeRequest(limiter: RateLimiter, key: string, nowMs: number, answer: Headers): void {
  const decision = limiter.take(key, nowMs);
  answer.set('ratelimit-policy', policyField(limiter.policy));
  answer.set('ratelimit', limitField(limiter.policy, decision));
  if (!decision.allowed) throw rateLimited(Math.max(1, decision.retryAfterSeconds));
}

export function rateLimited(retryAfterSeconds: number): TidemarkError {
  return new TidemarkError('rate-limited', `too many requests: wait ${retryAfterSeconds} s`, {
    data: { retryAfterSeconds },
  });
}
