/**
 * `npm run sim -- [--seed N] [--runs M] [--ops K] [--without kind,…] [--bug name] [--trace] [--json]`: runs histories from seed N on
 * and stops at the first that fails, then looks for a smaller one of the same seed that fails too.
 */
import { parseArgs } from 'node:util';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { type HistoryOptions, type HistoryResult, runHistory } from './history.ts';
import { type PlantedBug, plantedBugs } from './planted-bugs.ts';
import { faultKinds } from './profile.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1000' },
    ops: { type: 'string' },
    without: { type: 'string', default: '' },
    bug: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run sim -- [options]
  --seed N       the first seed (default 1)
  --runs M       how many histories, each with the next seed (default 1000)
  --ops K        at most K user operations in a history
  --without a,b  without these faults: ${[...faultKinds, 'folds', 'powerCuts', 'losesJournals'].join(', ')}
  --bug NAME     with a bug put in on purpose: ${Object.keys(plantedBugs).join(', ')}
  --trace        print everything that happens
  --keep-going   count failures instead of stopping at the first
  --json         the result as JSON on standard output`;

function isPlantedBug(text: string): text is PlantedBug {
  return Object.hasOwn(plantedBugs, text);
}

function optionsOf(seed: number): HistoryOptions {
  const { ops, without, bug, trace } = values;
  if (bug !== undefined && !isPlantedBug(bug))
    throw new Error(`no such bug; there are: ${Object.keys(plantedBugs).join(', ')}`);
  return {
    seed,
    operations: ops === undefined ? undefined : Number(ops),
    without: new Set(without.split(',').filter((kind) => kind !== '')),
    bug,
    onTrace: trace ? (line) => process.stderr.write(`${line}\n`) : undefined,
  };
}

function commandOf({ seed, operations, without, bug }: HistoryOptions): string {
  const parts = [`npm run sim -- --seed ${seed} --runs 1`];
  if (operations !== undefined) parts.push(`--ops ${operations}`);
  if (without !== undefined && without.size > 0) parts.push(`--without ${[...without].join(',')}`);
  if (bug !== undefined) parts.push(`--bug ${bug}`);
  return parts.join(' ');
}

async function report(options: HistoryOptions, result: HistoryResult): Promise<void> {
  const smaller = await shrink(options, result);
  const lines = [
    `seed ${options.seed} failed: ${result.failure}`,
    '',
    `smallest that fails: ${smaller.result.failure}`,
    ...smaller.result.trace.slice(-400).map((line) => `  ${line}`),
    '',
    `repeat:  ${commandOf(smaller.options)} --trace`,
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  await installNativeBlake3();
  const first = Number(values.seed);
  const runs = Number(values.runs);
  const began = performance.now();
  const failures: { seed: number; failure: string }[] = [];
  let steps = 0;
  let done = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const options = optionsOf(seed);
    const result = await runHistory(options);
    done++;
    steps += result.steps;
    if (result.failure !== null) {
      failures.push({ seed, failure: result.failure });
      if (!values['keep-going']) await report(options, result);
      else process.stderr.write(`\rseed ${seed}: ${result.failure.split('\n').slice(0, 3).join(' | ')}\n`);
      if (!values['keep-going']) break;
    }
    if (done % 20 === 0 && process.stderr.isTTY) {
      const seconds = (performance.now() - began) / 1_000;
      process.stderr.write(
        `\r${done} of ${runs} histories, ${Math.round(done / seconds)} a second, ${failures.length} failed `,
      );
    }
  }
  const seconds = Number(((performance.now() - began) / 1_000).toFixed(1));
  const summary = { firstSeed: first, histories: done, steps, seconds, failures };
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else process.stderr.write(`\n${done} histories, ${steps} steps, ${seconds} s, ${failures.length} failed\n`);
  if (failures.length > 0) process.exitCode = 1;
}

await main();
