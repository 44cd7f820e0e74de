import type { UserId } from '../core/ids.ts';

export type Scope = 'sync.read' | 'sync.write' | 'sync.admin';

/** Who a valid access token speaks for. */
export interface Caller {
  readonly userId: UserId;
  readonly scopes: ReadonlySet<Scope>;
}

export interface TokenVerifier {
  /**
   * The caller of a bearer token: signature by a key of the issuer, algorithm on the allow-list, issuer, audience and times
   * right. Throws `unauthenticated` on anything else, `unavailable` when the issuer's keys cannot be had.
   */
  verify(token: string): Promise<Caller>;
}
