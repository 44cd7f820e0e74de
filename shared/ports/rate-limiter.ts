/** A token bucket for each key: `burst` requests at once, refilled at `perSecond`. */
export interface RatePolicy {
  readonly name: string;
  readonly burst: number;
  readonly perSecond: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  /** Whole requests left now. */
  readonly remaining: number;
  /** Seconds, rounded up, until the next request is allowed; 0 when one is. */
  readonly retryAfterSeconds: number;
  /** Seconds, rounded up, until the bucket is full. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  readonly policy: RatePolicy;
  /** Takes one request out of the key's bucket, if there is one. Never throws; forgets keys whose buckets are full. */
  take(key: string, nowMs: number): RateDecision;
}
