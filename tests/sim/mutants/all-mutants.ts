/** Every mutant by its name. */
import { clientMutants } from './client-mutants.ts';
import type { Mutant } from './mutant.ts';
import { newsMutants } from './news-mutants.ts';
import { serverMutants } from './server-mutants.ts';

export const mutants: ReadonlyMap<string, Mutant> = new Map(
  [...clientMutants, ...newsMutants, ...serverMutants].map((mutant) => [mutant.name, mutant]),
);

/** Throws for a name that no mutant has. */
export function mustGetMutant(name: string): Mutant {
  const mutant = mutants.get(name);
  if (mutant === undefined) throw new Error(`no such mutant; there are: ${[...mutants.keys()].join(', ')}`);
  return mutant;
}
