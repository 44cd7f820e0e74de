/** How fast something grows, over a moving window, and how long the rest of it takes. Time is the caller's. */

/** Long enough to smooth over single packs, short enough to follow a line that gets slower. */
const windowMs = 15_000;
/** Below this nothing can be said of a rate. */
const spanMinMs = 1_000;

interface Sample {
  readonly ms: number;
  readonly value: number;
}

export class Rate {
  #samples: Sample[] = [];

  /** The value as it is at `ms` milliseconds. One that is smaller than before begins anew. */
  add(value: number, ms: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && value < last.value) this.#samples = [];
    this.#samples.push({ value, ms });
    // The sample at the window's edge is kept: it is what the newest is compared with.
    while (this.#samples.length > 2 && this.#samples[1]!.ms <= ms - windowMs) this.#samples.shift();
  }

  /** Null until there is something to tell from. */
  perSecond(): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.ms - first.ms < spanMinMs) return null;
    return ((last.value - first.value) * 1_000) / (last.ms - first.ms);
  }
}

/** Null when nobody can tell: no rate yet, or it stands still. */
export function secondsLeft(rest: number, perSecond: number | null): number | null {
  return perSecond === null || perSecond <= 0 ? null : Math.max(0, rest) / perSecond;
}

/** `40 s`, `3 min`, `2 h 10 min`: as exact as a forecast deserves. */
export function durationToText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
