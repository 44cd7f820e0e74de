/**
 * `npm run sim`: runs histories from a seed on and stops at the first that fails, then looks for a smaller one of the same seed that
 * fails too. Exit code 1 when one failed.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { mustGetMutant } from './mutants/all-mutants.ts';
import { installMutant } from './mutants/mutant.ts';

const usage = `npm run sim -- [options]
  --seed N        the first seed (default 1)
  --runs M        how many histories, each with the next seed (default 1000)
  --record FILE   write the record of the run to FILE, as JSON
  --json          print the record on standard output
  --ops K         at most K user operations in a history
  --without a,b   without these faults: network, stores, kills, … (tests/sim/profile.ts has them all)
  --mutant NAME   with a fault put into the product on purpose (npm run sim:mutants lists them)
  --trace         print everything that happens
  --keep-going    count failures instead of stopping at the first
`;

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} needs a number of at least 1`);
  return value;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1000' },
      record: { type: 'string' },
      json: { type: 'boolean', default: false },
      ops: { type: 'string' },
      without: { type: 'string', default: '' },
      mutant: { type: 'string' },
      trace: { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const { mutant } = values;
  const checkLoaded = mutant === undefined ? undefined : installMutant(mustGetMutant(mutant));
  // Only now: a mutant rewrites modules while they are loaded.
  const { runHistories } = await import('./run-histories.ts');
  const { isFaultKind, faultKinds } = await import('./profile.ts');
  checkLoaded?.();
  const without = values.without.split(',').filter((kind) => kind !== '');
  const unknown = without.find((kind) => !isFaultKind(kind));
  if (unknown !== undefined) throw new Error(`no fault ${unknown}; there are: ${faultKinds.join(', ')}`);
  const record = await runHistories({
    firstSeed: positive(values.seed, '--seed'),
    runs: positive(values.runs, '--runs'),
    operations: values.ops === undefined ? undefined : positive(values.ops, '--ops'),
    without: new Set(without),
    mutant: mutant ?? null,
    trace: values.trace,
    keepsGoing: values['keep-going'],
  });
  const text = `${JSON.stringify(record, undefined, 2)}\n`;
  if (values.record !== undefined) writeFileSync(values.record, text);
  if (values.json) process.stdout.write(text);
  const { histories, steps, seconds, failures } = record;
  process.stderr.write(`${histories} histories, ${steps} steps, ${seconds} s, ${failures.length} failed\n`);
  if (failures.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
