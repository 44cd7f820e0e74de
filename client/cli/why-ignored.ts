/** `tide why-ignored PATH`: which file, line and pattern decides. Exits with 0 if the path is ignored, else with 1, as `git check-ignore`. */
import { type WhyIgnoredResult, whyIgnoredAction } from './actions/why-ignored.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { resolveLinkedPaths } from './linked-paths.ts';
import { runAction } from './run-action.ts';

function toLines({ path, ignored, synced, rule, fault }: WhyIgnoredResult): string[] {
  const name = nameToText(path);
  const why =
    fault !== null
      ? `${nameToText(fault.file)} cannot be taken: ${fault.detail}`
      : rule === null
        ? 'no rule matches'
        : `${nameToText(rule.file)}:${rule.line}: ${nameToText(rule.pattern)}` +
          (rule.matches === path ? '' : `, which matches ${nameToText(rule.matches)}`);
  if (ignored) return [`${name} is ignored: ${why}`];
  return [synced ? `${name} is synced, whatever rules say (${why})` : `${name} is not ignored: ${why}`];
}

export const whyIgnoredCommand: DefineCommand = (context) =>
  newCommand('why-ignored', 'show which rule ignores a file, or that none does', [
    'tide why-ignored build/main.o',
    'tide why-ignored build/main.o --json | jq .rule',
  ])
    .argument('<path>', 'a path in a linked folder; with a slash at the end, of a folder that is not there')
    .action(async (text: string, options: OutputOptions) => {
      const { folder, paths } = resolveLinkedPaths([text]);
      const params = { path: paths[0] ?? '', isFolder: text.endsWith('/') };
      const result = await runAction(context, options, folder, whyIgnoredAction, params);
      context.print(options, result, () => toLines(result));
      if (!result.ignored) process.exitCode = exitCodes.failed;
    });
