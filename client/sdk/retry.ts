/**
 * Retries with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): the wait before
 * attempt n is uniform in [0, min(cap, base * 2^n)), or what the server's Retry-After asked for plus that jitter, so that a
 * thousand clients that lost the same server do not come back together.
 */
import { type TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** A server that asks for a longer wait than this is not waited for: the error goes to the caller, who may be a person. */
  readonly retryAfterMaxMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 7, baseMs: 200, capMs: 10_000, retryAfterMaxMs: 60_000 };

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
  for (let n = 1; ; n++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!isTidemarkError(error) || !error.retryable || n >= policy.attempts) throw error;
      const asked = askedWait(error);
      if (asked > policy.retryAfterMaxMs) throw error;
      const jitter = waiter.random() * Math.min(policy.capMs, policy.baseMs * 2 ** (n - 1));
      await waiter.sleep(asked + jitter, signal);
    }
  }
}
