/**
 * `node run-mutant.ts NAME SEED RUNS`: runs histories of the product with one fault put in, until one fails; prints what it found as
 * a line of JSON. In a process of its own, because a mutant lasts as long as its process.
 */
import { mustGetMutant } from './all-mutants.ts';
import { installMutant } from './mutant.ts';

/** What became of one mutant. */
export interface MutantReport {
  readonly name: string;
  /** Histories until the first that failed, that one included; null when none did. */
  readonly caughtAfter: number | null;
  readonly seed: number | null;
  readonly failure: string | null;
  readonly histories: number;
  readonly seconds: number;
}

async function run(name: string, firstSeed: number, runs: number): Promise<MutantReport> {
  const checkLoaded = installMutant(mustGetMutant(name));
  const { installNativeBlake3 } = await import('../../../shared/adapters/node/native-blake3.ts');
  const { runHistory } = await import('../history.ts');
  checkLoaded();
  await installNativeBlake3();
  const began = performance.now();
  const secondsSince = (): number => Number(((performance.now() - began) / 1_000).toFixed(1));
  for (let i = 0; i < runs; i++) {
    const { failure } = await runHistory({ seed: firstSeed + i });
    if (failure === null) continue;
    const histories = i + 1;
    return { name, caughtAfter: histories, seed: firstSeed + i, failure, histories, seconds: secondsSince() };
  }
  return { name, caughtAfter: null, seed: null, failure: null, histories: runs, seconds: secondsSince() };
}

const [name = '', seed = '1', runs = '1'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await run(name, Number(seed), Number(runs)))}\n`);
