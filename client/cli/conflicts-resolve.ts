/** `tide conflicts resolve`: settles conflict copies. Never asks; the server keeps what goes. */
import type { Keep, Refusal } from '../agent/conflicts/resolve-conflicts.ts';
import { type ResolveResult, resolveConflictsAction } from './actions/resolve-conflicts.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { resolveLinkedPaths } from './linked-paths.ts';
import { createProgressView } from './progress.ts';
import { runAction } from './run-action.ts';
import { usageError } from './usage-error.ts';

interface ResolveOptions extends OutputOptions {
  readonly keep?: string;
  readonly all?: boolean;
}

const reasons: Readonly<Record<Refusal, string>> = {
  'not-synced': 'it, or its original, is not synced yet; see `tide status`',
  'only-version':
    'the original is gone, so this is the only version: keep local gives it the name, or delete it yourself',
  folder: 'a folder is kept as it is: only --keep both, or move what is in it yourself',
  'kinds-differ': 'it and its original are of different kinds: only --keep remote or both',
  'several-copies': 'its original has several copies: name the one that is to have the place',
  busy: 'it, or its original, was changed meanwhile, or the name is taken; nothing was done to it',
};

function parseKeep(text: string | undefined): Keep {
  if (text === 'local' || text === 'remote' || text === 'both') return text;
  throw usageError('say what to keep: --keep local (the copy), remote (the original) or both');
}

function toLines({ resolved, refused, sync }: ResolveResult, keep: Keep): string[] {
  const done = {
    local: 'the copy has the place; what was there is in its history',
    remote: 'the original stays; the copy is deleted, and in the history',
    both: 'both stay, as two files',
  };
  return [
    ...resolved.map(({ copy, original }) => `${nameToText(original ?? copy)}: ${done[keep]}`),
    ...refused.map(({ copy, reason }) => `${nameToText(copy)}: left as it is: ${reasons[reason]}`),
    ...(resolved.length + refused.length === 0 ? ['No conflicts.'] : []),
    ...(sync.upToDate ? [] : ['Not all is synced; see `tide status`.']),
  ];
}

/** The folder, and the paths in it; with `all` the only argument is the folder. */
function toTarget(
  texts: readonly string[],
  all: boolean,
): { readonly folder: string; readonly paths: readonly string[] } {
  if (!all && texts.length === 0) throw usageError('name the files, or add --all');
  if (!all) return resolveLinkedPaths(texts);
  if (texts.length > 1) throw usageError('with --all name one linked folder at most');
  return { folder: texts[0] ?? '.', paths: [] };
}

export const conflictsResolveCommand: DefineCommand = (context) =>
  newCommand('resolve', 'settle conflict copies; what goes stays in the history', [
    'tide conflicts resolve plan.txt --keep remote',
    'tide conflicts resolve "plan (conflicted copy of laptop 2026-11-22).txt" --keep local',
    'tide conflicts resolve --all --keep both ~/Notes',
  ])
    .argument(
      '[paths...]',
      'conflict copies, or files that have some; with --all a linked folder (default: the current one)',
    )
    .requiredOption(
      '--keep <which>',
      'local: the copy; remote: the original, which was there first; both: as two files',
    )
    .option('--all', 'every conflict of the folder')
    .action(async (texts: readonly string[], options: ResolveOptions) => {
      const keep = parseKeep(options.keep);
      const all = options.all === true;
      const { folder, paths } = toTarget(texts, all);
      const view = createProgressView(context, options);
      const params = { paths, all, keep };
      const run = runAction(context, options, folder, resolveConflictsAction, params, view.show);
      const result = await run.finally(view.end);
      context.print(options, result, () => toLines(result, keep));
      if (result.refused.length > 0 || !result.sync.upToDate) process.exitCode = exitCodes.incomplete;
    });
