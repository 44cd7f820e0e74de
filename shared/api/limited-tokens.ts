/**
 * A bound on what invalid access tokens cost. Checking one is a signature check, some hundred microseconds that anybody can ask for; who
 * sends it is not known, neither by name (the token is not valid) nor by address (the host does not tell it). So failures are counted
 * for the whole process, and when there were too many, tokens that were never valid here wait: they get `rate-limited` without
 * being looked at. Tokens that were valid before go on being checked, and those are bounded by their users' own limits: a flood keeps
 * newcomers waiting on this instance, and nobody who is at work.
 */
import { utf8 } from '../core/bytes.ts';
import { isTidemarkError } from '../core/errors.ts';
import { blake3Digest } from '../core/hash/blake3.ts';
import type { Digest } from '../core/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { RateLimiter, RatePolicy } from '../ports/rate-limiter.ts';
import type { TokenVerifier } from '../ports/token-verifier.ts';
import { rateLimited } from './rate-limit.ts';

/** A client that lost its login fails a few times; 20 checks a second are well below a hundredth of a core. */
export const failedTokensPolicy: RatePolicy = { name: 'failed-tokens', burst: 1_000, perSecond: 20 };

/** Tokens that are remembered as once valid, 32 bytes each; the oldest is forgotten. */
const rememberedMax = 10_000;

const everybody = 'all';

export function withFailureLimit(tokens: TokenVerifier, limiter: RateLimiter, clock: Clock): TokenVerifier {
  const known = new Set<Digest>();
  let closed: { readonly fromMs: number; readonly forMs: number } | undefined;

  function remember(name: Digest): void {
    known.delete(name);
    known.add(name);
    if (known.size <= rememberedMax) return;
    for (const oldest of known) {
      known.delete(oldest);
      break;
    }
  }

  function countFailure(nowMs: number): void {
    const { remaining, retryAfterSeconds } = limiter.take(everybody, nowMs);
    if (remaining === 0) closed = { fromMs: nowMs, forMs: Math.max(1, retryAfterSeconds) * 1_000 };
  }

  /** Milliseconds; a clock that was set back opens, rather than keep closed for as long as it went back. */
  function closedForMs(nowMs: number): number {
    if (closed === undefined || nowMs < closed.fromMs) return 0;
    return Math.max(0, closed.fromMs + closed.forMs - nowMs);
  }

  return {
    async verify(token) {
      const name = blake3Digest(utf8(token));
      const nowMs = clock.now();
      const waitMs = closedForMs(nowMs);
      if (waitMs > 0 && !known.has(name)) throw rateLimited(Math.ceil(waitMs / 1_000));
      try {
        const caller = await tokens.verify(token);
        remember(name);
        return caller;
      } catch (error) {
        if (isTidemarkError(error, 'unauthenticated')) {
          known.delete(name);
          countFailure(nowMs);
        }
        throw error;
      }
    },
  };
}
