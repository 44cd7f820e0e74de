export interface Randomness {
  /** Unpredictable bytes (seeded ones in tests and the simulation). */
  bytes(length: number): Uint8Array;
}
