/** The host's clock. Injected everywhere, so that tests and the simulation own time. */
export interface Clock {
  /** Milliseconds since 1970. May step either way: nothing is ordered by it. */
  now(): number;
}
