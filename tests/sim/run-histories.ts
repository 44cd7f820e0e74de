/** Runs histories one after another, tells how it goes, and makes a smaller one of the first that fails. */
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { type HistoryOptions, type HistoryResult, runHistory } from './history.ts';
import { Recorder, type RunRecord } from './record.ts';
import { shrink } from './shrink.ts';

export interface Run {
  readonly firstSeed: number;
  readonly runs: number;
  readonly operations: number | undefined;
  readonly without: ReadonlySet<string>;
  /** The fault that was put into this process on purpose, by its name. */
  readonly mutant: string | null;
  readonly trace: boolean;
  /** Counts failures instead of stopping at the first. */
  readonly keepsGoing: boolean;
}

/** Lines of a trace that are printed with a failure. */
const traceLinesShown = 400;
/** Seconds between two lines of progress where there is no terminal to write over. */
const lineSeconds = 30;

function say(text: string): void {
  process.stderr.write(text);
}

function commandOf({ seed, operations, without }: HistoryOptions, mutant: string | null): string {
  const parts = [`npm run sim -- --seed ${seed} --runs 1`];
  if (operations !== undefined) parts.push(`--ops ${operations}`);
  if (without !== undefined && without.size > 0) parts.push(`--without ${[...without].join(',')}`);
  if (mutant !== null) parts.push(`--mutant ${mutant}`);
  return parts.join(' ');
}

/** Prints the smallest history that fails like this one; returns the command that repeats it. */
async function report(options: HistoryOptions, result: HistoryResult, mutant: string | null): Promise<string> {
  say(`\nseed ${options.seed} failed: ${result.failure}\n\nlooking for a smaller history of this seed\n`);
  const smaller = await shrink(options, result);
  const command = commandOf(smaller.options, mutant);
  const trace = smaller.result.trace.slice(-traceLinesShown).map((line) => `  ${line}\n`);
  say(`\nsmallest that fails: ${smaller.result.failure}\n${trace.join('')}\nrepeat:  ${command} --trace\n`);
  return command;
}

/** One line on a terminal, written over; elsewhere a line now and then. */
class Progress {
  readonly #runs: number;
  #lastSeconds = 0;

  constructor(runs: number) {
    this.#runs = runs;
  }

  tell({ histories, seconds, failures }: Recorder): void {
    const isTerminal = process.stderr.isTTY;
    if (seconds - this.#lastSeconds < (isTerminal ? 0.2 : lineSeconds)) return;
    this.#lastSeconds = seconds;
    const rate = Math.round(histories / seconds);
    const line = `${histories} of ${this.#runs} histories, ${rate} a second, ${failures.length} failed`;
    say(isTerminal ? `\r${line} ` : `${line}\n`);
  }
}

export async function runHistories(run: Run): Promise<RunRecord> {
  await installNativeBlake3();
  const recorder = new Recorder();
  const progress = new Progress(run.runs);
  for (let seed = run.firstSeed; seed < run.firstSeed + run.runs; seed++) {
    const { operations, without } = run;
    const options: HistoryOptions = {
      seed,
      operations,
      without,
      onTrace: run.trace ? (line) => say(`${line}\n`) : undefined,
    };
    const result = await runHistory(options);
    recorder.add(result);
    if (result.failure !== null && run.keepsGoing) {
      say(`\rseed ${seed}: ${result.failure.split('\n').slice(0, 3).join(' | ')}\n`);
    } else if (result.failure !== null) {
      recorder.failures.at(-1)!.shrunk = await report(options, result, run.mutant);
      break;
    }
    progress.tell(recorder);
  }
  if (process.stderr.isTTY) say('\n');
  return recorder.toRecord(run);
}
