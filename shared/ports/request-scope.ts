/**
 * What a metadata store ties to one request. A store with session consistency reads its own writes only within a session; the
 * session's token travels to the client and comes back with its next request, to whichever instance that goes.
 */
export interface ScopeResult<T> {
  readonly value: T;
  /** To be sent with the caller's next request; null where the store needs none. Opaque; at most 8 KiB of printable ASCII. */
  readonly sessionToken: string | null;
  /** What the store charged for the work, in its own unit (Cosmos DB: request units); 0 where it charges nothing. */
  readonly charge: number;
}

export interface RequestScope {
  /** Runs the work; every call of the store within it belongs to this session. A token that is none is ignored. */
  run<T>(sessionToken: string | null, work: () => Promise<T>): Promise<ScopeResult<T>>;
}

/** For stores that read their own writes anyway. */
export const noRequestScope: RequestScope = {
  run: async (_sessionToken, work) => ({ value: await work(), sessionToken: null, charge: 0 }),
};
