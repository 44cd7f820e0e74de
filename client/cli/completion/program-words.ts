/** What can follow what on the command line, out of the program. */
import type { Argument, Command, Option } from 'commander';

export interface OptionWords {
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** Empty where any value will do: a path, then. */
  readonly choices: readonly string[];
}

export interface CommandWords {
  /** After `tide`: `devices revoke`; empty for tide itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionWords[];
  /** Of its first argument. */
  readonly choices: readonly string[];
  /** Whether its arguments may be paths. */
  readonly takesPaths: boolean;
}

function optionToWords({ short, long, description, required, optional, argChoices }: Option): OptionWords {
  const flags = [short, long].filter((flag) => flag !== undefined);
  return { flags, description, takesValue: required || optional, choices: argChoices ?? [] };
}

function choicesOf([first]: readonly Argument[]): readonly string[] {
  return first?.argChoices ?? [];
}

function* wordsOf(command: Command, path: string): Generator<CommandWords> {
  const help = { flags: ['-h', '--help'], description: 'show how it is used', takesValue: false, choices: [] };
  const own = command.options.filter((option) => !option.hidden).map(optionToWords);
  const choices = choicesOf(command.registeredArguments);
  yield {
    path,
    commands: command.commands.map((child) => ({ name: child.name(), description: child.description() })),
    options: [...own, help],
    choices,
    takesPaths: command.registeredArguments.length > 0 && choices.length === 0,
  };
  for (const child of command.commands) yield* wordsOf(child, path === '' ? child.name() : `${path} ${child.name()}`);
}

/** tide itself first. */
export function programToWords(program: Command): readonly CommandWords[] {
  return [...wordsOf(program, '')];
}
