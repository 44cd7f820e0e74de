/**
 * Retries with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): the wait before
 * attempt n is uniform in [0, min(cap, base * 2^n)), or what the server's Retry-After asked for plus that jitter, so that a
 * thousand clients that lost the same server do not come back together.
 */
import { type TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import type { RetryBudget } from './retry-budget.ts';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** A server that asks for a longer wait than this is not waited for: the error goes to the caller, who may be a person. */
  readonly retryAfterMaxMs: number;
  /** Shared by all requests of a process that goes on for long; without one each request stands for itself. */
  readonly budget?: RetryBudget;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 7, baseMs: 200, capMs: 10_000, retryAfterMaxMs: 60_000 };

/**
 * A server that limits us is at work and says when to come back, so giving up helps nobody: refusals of that kind are borne so many
 * times as often. They still end, should a server never let us in.
 */
const limitedPatience = 10;

export interface Waiter {
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

/** The error's own wish, in milliseconds (problem+json's `retryAfterMs`, from the Retry-After header). */
function askedWait(error: TidemarkError): number {
  const asked = error.data['retryAfterMs'];
  return typeof asked === 'number' ? asked : 0;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the policy is used up; then throws its last error. Only errors that
 * say they are retryable are tried again, so `attempt` must be idempotent.
 */
export async function withRetry<T>(
  policy: RetryPolicy,
  waiter: Waiter,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  let failed = 0;
  let limited = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      const result = await attempt();
      policy.budget?.succeed();
      return result;
    } catch (error) {
      if (!isTidemarkError(error) || !error.retryable) throw error;
      const isLimited = error.code === 'rate-limited' && askedWait(error) > 0;
      const n = isLimited ? ++limited / limitedPatience : ++failed;
      if (n >= policy.attempts) throw error;
      const asked = askedWait(error);
      if (asked > policy.retryAfterMaxMs) throw error;
      // A server that says when to come back is at work: coming back then costs nothing.
      if (!isLimited && policy.budget?.spend() === false) throw error;
      const jitter = waiter.random() * Math.min(policy.capMs, policy.baseMs * 2 ** Math.max(0, n - 1));
      await waiter.sleep(asked + jitter, signal);
    }
  }
}
