/** `tide ignore PATTERN…`: what is never to be synced, in `.tideignore`, for all devices. */
import { presetNames } from '../agent/ignore/presets.ts';
import { type IgnoreResult, ignoreAction } from './actions/ignore.ts';
import { ignoreRulesAction } from './actions/ignore-rules.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type CliContext, type OutputOptions, nameToText, tableToLines } from './context.ts';
import { runAction } from './run-action.ts';
import { usageError } from './usage-error.ts';

interface IgnoreOptions extends OutputOptions {
  readonly folder: string;
  readonly preset?: readonly string[];
  readonly list?: boolean;
}

function toLines({ added, synced }: IgnoreResult): string[] {
  return [
    ...(added.length === 0
      ? ['Nothing to add: these rules are there.']
      : added.map((each) => `added ${nameToText(each)}`)),
    ...(synced.paths.length === 0
      ? []
      : [
          `${synced.files} files that match are synced already, and stay so. For this device: tide exclude; for all: delete or move them.`,
          ...synced.paths.map((path) => `  ${nameToText(path)}`),
        ]),
  ];
}

async function list(context: CliContext, options: IgnoreOptions): Promise<void> {
  const result = await runAction(context, options, options.folder, ignoreRulesAction, {});
  context.print(options, result, () =>
    tableToLines(
      result.files.flatMap(({ file, patterns, fault }) =>
        fault === null
          ? patterns.map(({ line, pattern }) => [`${nameToText(file)}:${line}`, nameToText(pattern)])
          : [[nameToText(file), `cannot be taken: ${fault}`]],
      ),
    ),
  );
}

async function ignore(context: CliContext, patterns: readonly string[], options: IgnoreOptions): Promise<void> {
  const chosen = options.preset ?? [];
  if (patterns.length + chosen.length === 0) {
    throw usageError('name patterns, or add --preset NAME or --list');
  }
  const result = await runAction(context, options, options.folder, ignoreAction, { patterns, presets: chosen });
  context.print(options, result, () => toLines(result));
}

export const ignoreCommand: DefineCommand = (context) =>
  newCommand('ignore', 'leave files out of syncing by patterns, as git does; for all devices', [
    "tide ignore '*.iso' /scratch/",
    'tide ignore --preset node --preset macos --folder ~/Projects',
    'tide ignore --list',
  ])
    .argument('[patterns...]', 'patterns as in .gitignore, added to .tideignore in the root')
    .option('-f, --folder <folder>', 'a linked folder', '.')
    .option('--preset <names...>', `rules for what tools make anew: ${presetNames.join(', ')}, all`)
    .option('--list', 'show all rules that hold, with file and line')
    .action((patterns: readonly string[], options: IgnoreOptions) =>
      options.list === true ? list(context, options) : ignore(context, patterns, options),
    );
