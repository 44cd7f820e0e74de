/**
 * Leases with a cursor: one worker at a time goes on with a named piece of work from where the last one stopped. The time of a
 * lease only decides who may try; what protects the cursor is its epoch, which grows with each change of owner, so that a
 * worker that slept past its lease cannot move the cursor of the next one.
 */
export interface Lease {
  readonly name: string;
  /** Random for each acquisition by a worker; empty, with `expiresMs` 0, once it was released. */
  readonly owner: string;
  /** Grows by one whenever another owner takes the lease. */
  readonly epoch: number;
  readonly expiresMs: number;
  /** Where the work has come to, at most 16 KiB; null before the first step. */
  readonly cursor: string | null;
}

export interface LeaseStore {
  /**
   * The lease until `seconds` after `nowMs`, if it is free, its time is over at `nowMs`, or it is this owner's already (its epoch
   * stays then). Undefined else. `owner` is not empty.
   */
  acquire(name: string, owner: string, nowMs: number, seconds: number): Promise<Lease | undefined>;
  /**
   * Moves the cursor and holds the lease until `expiresMs`, if owner and epoch are still those of `lease`, whatever the time;
   * 'lost' otherwise, and nothing changes.
   */
  save(lease: Lease, cursor: string, expiresMs: number): Promise<'saved' | 'lost'>;
  /** Frees the lease, keeping its cursor, if owner and epoch are still those of `lease`. */
  release(lease: Lease): Promise<void>;
  /** Every lease whose name starts so, by name. */
  list(prefix: string): Promise<readonly Lease[]>;
}
