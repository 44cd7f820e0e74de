/** `tide status FOLDER`: whether folder and workspace are equal, by the marks of the three trees; and what is not. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { metricsAction } from './actions/metrics.ts';
import { statusAction } from './actions/status.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { errorToJson, errorToText } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { runAction } from './run-action.ts';
import { allToJson, allToLines, statusOfAll } from './status-all.ts';
import { statusToLines } from './status-lines.ts';
import { usageError } from './usage-error.ts';

interface StatusOptions extends OutputOptions {
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly metrics?: boolean;
  readonly interval: string;
}

/** What is to be shown once. */
interface Shown {
  readonly data: unknown;
  readonly lines: () => readonly string[];
  /** Something could not be looked at. */
  readonly isIncomplete: boolean;
}

async function look(context: CliContext, folder: string, options: StatusOptions): Promise<Shown> {
  if (options.metrics === true) {
    const metrics = await runAction(context, options, folder, metricsAction, {});
    return { data: { metrics }, lines: () => [metrics.trimEnd()], isIncomplete: false };
  }
  if (options.all === true) {
    const all = await statusOfAll(context, options);
    return { data: allToJson(all), lines: () => allToLines(all), isIncomplete: all.some((each) => 'error' in each) };
  }
  const status = await runAction(context, options, folder, statusAction, {});
  return { data: status, lines: () => statusToLines(status), isIncomplete: false };
}

function parseInterval(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0.1 && seconds <= 86_400) return seconds * 1_000;
  throw usageError(`--interval is a number of seconds from 0.1 to 86400, not "${text}"`);
}

/** What passes is shown and watched on: another agent has the folder for a moment, or it cannot be looked at just now. */
async function lookAgain(context: CliContext, folder: string, options: StatusOptions): Promise<Shown> {
  try {
    return await look(context, folder, options);
  } catch (error) {
    if (!isTidemarkError(error) || !(error.retryable || error.code === 'halted')) throw error;
    return { data: errorToJson(error), lines: () => [errorToText(error)], isIncomplete: true };
  }
}

/** On a terminal the same lines are drawn again; elsewhere each change is a line of JSON. Ends with Ctrl-C. */
async function watchStatus(context: CliContext, folder: string, options: StatusOptions): Promise<void> {
  const waitMs = parseInterval(options.interval);
  const isDrawn = options.json !== true && process.stdout.isTTY && context.animated;
  let last = '';
  for (let first = true; !context.signal.aborted; first = false) {
    const shown = first ? await look(context, folder, options) : await lookAgain(context, folder, options);
    const text = JSON.stringify(shown.data);
    if (isDrawn) process.stdout.write(`\u001b[2J\u001b[H${shown.lines().join('\n')}\n\nCtrl-C ends this.\n`);
    else if (text !== last) process.stdout.write(`${text}\n`);
    last = text;
    await sleepFor(waitMs, undefined, { signal: context.signal }).catch(() => undefined);
  }
  context.signal.throwIfAborted();
}

async function showOnce(context: CliContext, folder: string, options: StatusOptions): Promise<void> {
  const shown = await look(context, folder, options);
  context.print(options, shown.data, shown.lines);
  if (shown.isIncomplete) process.exitCode = exitCodes.incomplete;
}

export const statusCommand: DefineCommand = (context) =>
  newCommand('status', 'show whether a linked folder is up to date, and what is not', [
    'tide status ~/Photos',
    'tide status --all',
    'tide status ~/Photos --watch',
    'tide status ~/Photos --json | jq .upToDate',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option('-a, --all', 'all folders of this device that are linked')
    .option('--watch', 'again and again; where standard output is no terminal, a line of JSON for each change')
    .option('--metrics', 'the figures of the agent that watches the folder, as Prometheus reads them')
    .option('--interval <seconds>', 'with --watch: how long to wait between two looks', '5')
    .action((folder: string, options: StatusOptions) =>
      options.watch === true ? watchStatus(context, folder, options) : showOnce(context, folder, options),
    );
