/** `tide exclude PATH…`: not on this device. Nothing is deleted anywhere else, ever. */
import { type ExcludeResult, excludeAction } from './actions/exclude.ts';
import { excludedAction } from './actions/excluded.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type CliContext, type OutputOptions, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { resolveLinkedPaths } from './linked-paths.ts';
import { createProgressView } from './progress.ts';
import { runAction } from './run-action.ts';
import { problemsToLines } from './status-lines.ts';
import { usageError } from './usage-error.ts';

interface ExcludeOptions extends OutputOptions {
  readonly list?: boolean;
}

function toLines({ paths, sync }: ExcludeResult): string[] {
  const states = {
    excluded: 'excluded on this device; the workspace keeps it',
    'already-excluded': 'excluded already',
  };
  return [
    ...paths.map(({ path, state }) => `${nameToText(path)}: ${states[state]}`),
    ...(sync === null ? ['The server cannot be reached: what is here of it goes with the next sync.'] : []),
    ...problemsToLines(sync?.problems ?? []),
  ];
}

async function list(context: CliContext, texts: readonly string[], options: ExcludeOptions): Promise<void> {
  if (texts.length > 1) throw usageError('one folder at a time');
  const result = await runAction(context, options, texts[0] ?? '.', excludedAction, {});
  context.print(options, result, () => result.excluded.map(nameToText));
}

async function exclude(context: CliContext, texts: readonly string[], options: ExcludeOptions): Promise<void> {
  if (texts.length === 0) throw usageError('name what this device is not to have, or add --list');
  const { folder, paths } = resolveLinkedPaths(texts);
  const view = createProgressView(context, options);
  try {
    const params = { paths, carryOut: true };
    const result = await runAction(context, options, folder, excludeAction, params, view.show);
    view.end();
    context.print(options, result, () => toLines(result));
    if (result.sync?.upToDate !== true) process.exitCode = exitCodes.incomplete;
  } finally {
    view.end();
  }
}

export const excludeCommand: DefineCommand = (context) =>
  newCommand('exclude', 'keep parts of a workspace off this device; nothing is deleted elsewhere', [
    'tide exclude ~/Photos/raw',
    'cd ~/Photos && tide exclude 2019 2020',
    'tide exclude --list ~/Photos',
  ])
    .argument('[paths...]', 'files and folders in a linked folder, here or only in the workspace')
    .option('--list', 'show what is excluded in a linked folder (default: the current one)')
    .action((texts: readonly string[], options: ExcludeOptions) =>
      options.list === true ? list(context, texts, options) : exclude(context, texts, options),
    );
