/** Time and chance as the watch uses them: the system's in the field, virtual in tests. */
export interface Timers {
  /** Milliseconds that only ever go forward; need not count the time that the machine slept. */
  now(): number;
  /** The wall clock, in milliseconds since 1970. It may jump. */
  wall(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls `work` once, in `ms` milliseconds. Returns how to call it off. */
  after(ms: number, work: () => void): () => void;
}
