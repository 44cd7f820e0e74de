/** `tide status FOLDER`: whether folder and workspace are equal, by the marks of the three trees; and what is not. */
import { metricsAction } from './actions/metrics.ts';
import { statusAction } from './actions/status.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { othersToLines } from './presence-lines.ts';
import { findPresent } from './present.ts';
import { runAction } from './run-action.ts';
import { type Shown, intervalOption, showAgain } from './show-again.ts';
import { allToJson, allToLines, statusOfAll } from './status-all.ts';
import { statusToLines } from './status-lines.ts';

interface StatusOptions extends OutputOptions {
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly metrics?: boolean;
  readonly interval: string;
}

interface ShownStatus extends Shown {
  /** Something could not be looked at. */
  readonly isIncomplete: boolean;
}

async function look(context: CliContext, folder: string, options: StatusOptions): Promise<ShownStatus> {
  if (options.metrics === true) {
    const metrics = await runAction(context, options, folder, metricsAction, {});
    return { data: { metrics }, lines: () => [metrics.trimEnd()], isIncomplete: false };
  }
  if (options.all === true) {
    const all = await statusOfAll(context, options);
    return { data: allToJson(all), lines: () => allToLines(all), isIncomplete: all.some((each) => 'error' in each) };
  }
  const status = await runAction(context, options, folder, statusAction, {});
  const present = await findPresent(context, status);
  const lines = () => [...statusToLines(status), ...othersToLines(present)];
  return { data: { ...status, present }, lines, isIncomplete: false };
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
    .option(...intervalOption)
    .action((folder: string, options: StatusOptions) =>
      options.watch === true
        ? showAgain(context, options, () => look(context, folder, options))
        : showOnce(context, folder, options),
    );
