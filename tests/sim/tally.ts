/** How often each fault happened and each invariant was checked: a run in which something never happened proves nothing about it. */
import type { Invariant } from './invariants.ts';

export type Counts = Readonly<Record<string, number>>;

export class Tally {
  readonly #faults = new Map<string, number>();
  readonly #checks = new Map<string, number>();

  fault(kind: string): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
  }

  check(invariant: Invariant): void {
    this.#checks.set(invariant, (this.#checks.get(invariant) ?? 0) + 1);
  }

  hasFault(begin: string): boolean {
    return [...this.#faults.keys()].some((kind) => kind.startsWith(begin));
  }

  /** Adds another tally's counts to these. */
  add({ faults, checks }: { readonly faults: Counts; readonly checks: Counts }): void {
    for (const [kind, count] of Object.entries(faults)) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    for (const [kind, count] of Object.entries(checks)) this.#checks.set(kind, (this.#checks.get(kind) ?? 0) + count);
  }

  get faults(): Counts {
    return sorted(this.#faults);
  }

  get checks(): Counts {
    return sorted(this.#checks);
  }
}

function sorted(counts: ReadonlyMap<string, number>): Counts {
  return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}
