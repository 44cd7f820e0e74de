/**
 * `npm run sim:mutants -- [--runs N] [--seed N] [--only a,b] [--all] [--jobs N] [--json]`: proof that the simulation can fail. For each fault that is put into the
 * product on purpose it runs histories until one breaks an invariant, and prints how many that took and which invariant it was. Exit code 1
 * when one was not caught.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { invariantOf } from './broken.ts';
import { mustGetMutant, mutants } from './mutants/all-mutants.ts';
import { checkPlaces } from './mutants/mutant.ts';
import type { MutantReport } from './mutants/run-mutant.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    all: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

/** Runs one mutant in a process of its own. */
function runMutant(name: string): Promise<MutantReport> {
  const script = fileURLToPath(new URL('./mutants/run-mutant.ts', import.meta.url));
  const child = spawn(process.execPath, [script, name, values.seed, values.runs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as MutantReport);
      else reject(new Error(`the process of mutant ${name} ended with ${code}`));
    });
  });
}

function isCaught({ failure }: MutantReport): boolean {
  return failure !== null && invariantOf(failure) !== undefined;
}

/** By which invariant; an error that is none catches nothing. */
function caughtBy({ failure }: MutantReport): string {
  if (failure === null) return 'not caught';
  return invariantOf(failure) ?? `not caught: ${failure.split('\n')[0]?.slice(0, 60)}`;
}

function printTable(reports: readonly MutantReport[]): void {
  const rows = [
    ['mutant', 're-creates', 'caught after', 'by', 'seconds'],
    ['---', '---', '---', '---', '---'],
    ...reports.map((report) => [
      report.name,
      mustGetMutant(report.name).recreates,
      isCaught(report) ? String(report.caughtAfter) : `> ${report.histories}`,
      caughtBy(report),
      String(report.seconds),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  for (const row of rows) process.stdout.write(`| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`);
}

/** Those that are known to be caught, or all. */
function namesOf(all: boolean): readonly string[] {
  return [...mutants.values()].flatMap(({ name, isOpen }) => (all || isOpen !== true ? [name] : []));
}

async function main(): Promise<void> {
  const names = values.only === undefined ? namesOf(values.all) : values.only.split(',');
  // Of all of them before the first is run: to learn of a lost place after an hour would be late.
  for (const name of names) checkPlaces(mustGetMutant(name));
  const reports = new Map<string, MutantReport>();
  const waiting = [...names];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const report = await runMutant(name);
      reports.set(name, report);
      process.stderr.write(`${name}: ${caughtBy(report)} after ${report.histories} histories, ${report.seconds} s\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  const inOrder = names.map((name) => reports.get(name)!);
  const caught = inOrder.filter(isCaught).length;
  if (values.json) process.stdout.write(`${JSON.stringify(inOrder, undefined, 2)}\n`);
  else printTable(inOrder);
  process.stderr.write(`${caught} of ${inOrder.length} mutants caught\n`);
  if (caught < inOrder.length) process.exitCode = 1;
}

await main();
