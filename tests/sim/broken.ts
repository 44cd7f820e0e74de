import { type Invariant, isInvariant } from './invariants.ts';

/** An invariant that does not hold. Its message begins with the invariant's number. */
export class Broken extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string, options?: ErrorOptions) {
    super(`${invariant}: ${detail}`, options);
    this.name = 'Broken';
    this.invariant = invariant;
  }
}

/** The invariant that a failure names; undefined for a failure that is none, as an error that nobody expected. */
export function invariantOf(failure: string): Invariant | undefined {
  const [number = ''] = failure.split(':', 1);
  return isInvariant(number) ? number : undefined;
}
