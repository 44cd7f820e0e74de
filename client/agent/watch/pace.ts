/** When the watch does what. Every wait that many agents could share has chance in it, so that they do not come together. */

export const pace = {
  /** A save is several events, and an editor writes a second file and renames it: the folder has to be quiet this long. */
  quietMs: 200,
  /** The same for a save that comes after a rest (quiet.ts). */
  saveMs: 50,
  /** Under constant change it is looked at this often all the same. */
  busyMs: 2_000,
  /** Between two questions to the server, where nothing else tells of changes; plus or minus a fifth. */
  pollMs: 30_000,
  /** The same while the realtime service tells: against what it loses, or keeps back. */
  livePollMs: 600_000,
  /** From an event that told of more than there was to the question what there is; twice as long each further time, up to `pollMs`. */
  doubtMs: 2_000,
  /** Between two looks at the whole folder, whatever the watcher says. */
  scanMs: 600_000,
  /** The same, where the system does not tell of changes. */
  pollingScanMs: 30_000,
  /** Between two looks whether a folder that went away, or a full disk, is back. */
  absentMs: 60_000,
  /** Between two tries of what a person has to settle (a login, a membership). */
  refusedMs: 300_000,
  /** The first wait after a failure is up to this long, each later one up to twice as long. */
  backoffBaseMs: 2_000,
  backoffMaxMs: 300_000,
  /** Nothing is waited for longer than this without a look at the clock: a jump of it means that the machine slept. */
  heartbeatMs: 15_000,
  /** The wall clock has to run ahead by this much to count as a sleep. */
  sleptMs: 30_000,
} as const;

/** `ms`, plus or minus a fifth. */
export function aboutMs(ms: number, random: number): number {
  return ms * (0.8 + 0.4 * random);
}

/**
 * The wait after the `failures`th failure in a row: exponential with full jitter, never below half a second, and after the time that the
 * server asked for.
 */
export function backoffMs(failures: number, askedMs: number, random: number): number {
  const cap = Math.min(pace.backoffMaxMs, pace.backoffBaseMs * 2 ** Math.max(0, Math.min(failures, 30) - 1));
  return askedMs + 500 + random * cap;
}
