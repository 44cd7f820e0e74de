/** A folder that is not synced by itself for a while. Times are of the wall clock: a machine that sleeps does not lengthen a pause. */
export interface Pause {
  /** Milliseconds since 1970; null: until it is taken back. */
  readonly untilMs: number | null;
}

/** The pause if it still holds. */
export function heldPause(pause: Pause | undefined, nowMs: number): Pause | undefined {
  return pause === undefined || (pause.untilMs !== null && pause.untilMs <= nowMs) ? undefined : pause;
}
