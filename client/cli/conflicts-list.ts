/** `tide conflicts list`: every conflict copy of a folder, whichever device made it. */
import { type ConflictsResult, conflictsAction } from './actions/conflicts.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, nameToText } from './context.ts';
import { runAction } from './run-action.ts';

interface ListOptions extends OutputOptions {
  readonly settled?: boolean;
}

function toLines({ conflicts, settled }: ConflictsResult): string[] {
  const open = conflicts.flatMap(({ copy, original, device, date }) => [
    nameToText(copy.path),
    `  an edit by ${nameToText(device)} of ${date}; ${
      original === null ? 'the original is gone' : `the original is ${nameToText(original.path)}`
    }`,
  ]);
  const others = settled.map(({ state, name, path }) =>
    state === 'deleted' ? `${nameToText(name)}: deleted` : `${nameToText(name)}: is ${nameToText(path ?? '')} now`,
  );
  const next = [
    '',
    'What differs: tide conflicts show FILE. To settle: tide conflicts resolve FILE --keep local|remote|both',
  ];
  return [...(open.length === 0 ? ['No conflicts.'] : [...open, ...next]), ...others];
}

export const conflictsListCommand: DefineCommand = (context) =>
  newCommand('list', 'list the conflict copies of a linked folder and what they are copies of', [
    'tide conflicts list ~/Notes',
    'tide conflicts list --json | jq -r ".conflicts[].copy.path"',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option('--settled', 'also those that were made here and are deleted or renamed by now')
    .action(async (folder: string, options: ListOptions) => {
      const result = await runAction(context, options, folder, conflictsAction, {
        settledToo: options.settled === true,
      });
      context.print(options, result, () => toLines(result));
    });
