/** `tide include PATH…`: on this device again. */
import { type IncludeResult, includeAction } from './actions/include.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type CliContext, type OutputOptions, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { resolveLinkedPaths } from './linked-paths.ts';
import { createProgressView } from './progress.ts';
import { runAction } from './run-action.ts';
import { problemsToLines } from './status-lines.ts';

function toLines({ paths, excluded, sync }: IncludeResult): string[] {
  return [
    ...paths.map(({ path, nodes }) =>
      nodes === 0
        ? `${nameToText(path)}: nothing of it was excluded by itself`
        : `${nameToText(path)}: included, with ${nodes} files and folders`,
    ),
    ...paths.flatMap(({ path }) =>
      excluded.filter((each) => each.startsWith(`${path}/`)).map((each) => `  still excluded: ${nameToText(each)}`),
    ),
    ...(sync === null ? ['The server cannot be reached: it is fetched with the next sync.'] : []),
    ...problemsToLines(sync?.problems ?? []),
  ];
}

async function include(context: CliContext, texts: readonly string[], options: OutputOptions): Promise<void> {
  const { folder, paths } = resolveLinkedPaths(texts);
  const view = createProgressView(context, options);
  try {
    const result = await runAction(context, options, folder, includeAction, { paths }, view.show);
    view.end();
    context.print(options, result, () => toLines(result));
    if (result.sync?.upToDate !== true) process.exitCode = exitCodes.incomplete;
  } finally {
    view.end();
  }
}

export const includeCommand: DefineCommand = (context) =>
  newCommand('include', 'have excluded parts of a workspace on this device again', [
    'tide include ~/Photos/raw',
    'cd ~/Photos && tide include 2019 2020',
  ])
    .argument('<paths...>', 'excluded files and folders')
    .action((texts: readonly string[], options: OutputOptions) => include(context, texts, options));
