/** What all commands share: their options, and how a commander action becomes one of ours. */
import { Command, CommanderError } from 'commander';
import type { CliContext, OutputOptions } from './context.ts';

/** A command of its own, with `--json`, `--quiet` and examples at the end of its help. */
export function newCommand(usage: string, summary: string, examples: readonly string[]): Command {
  return new Command(usage)
    .description(summary)
    .option('--json', 'print one JSON object and nothing else on standard output')
    .option('-q, --quiet', 'no messages, only data and errors')
    .option('--verbose', 'tell on standard error what happens: each request with its id, answer and time')
    .option('--no-input', 'never ask; what needs an answer fails and names the option that gives it')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** Each command file exports one of these. */
export type DefineCommand = (context: CliContext) => Command;

export interface ServerOption extends OutputOptions {
  readonly server?: string;
}

export const serverOption = ['--server <url>', 'the server (default: where you logged in last)'] as const;

/**
 * What a group does where none of its commands is named. Its argument is easily a slip in the name of another command then; what is wrong
 * with options and arguments would mislead, so the slip is told instead.
 */
export function addDefaultCommand(group: Command, command: Command): Command {
  const complain = command.error.bind(command);
  command.error = (message, options) => {
    const [named] = group.args;
    const slip = named === undefined || named === command.name() ? undefined : findSlip(group, named);
    return complain(slip?.message ?? message, slip ?? options);
  };
  return group.addCommand(command, { isDefault: true });
}

/** Commander's own error for a command that is not there, if it knows one of a like name. */
function findSlip(group: Command, name: string): CommanderError | undefined {
  const strict = new Command(group.name()).exitOverride().configureOutput({ writeErr: () => undefined });
  for (const each of group.commands) strict.command(each.name());
  try {
    strict.parse([name], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.message.includes('Did you mean')) return error;
  }
  return undefined;
}

/** Commander would end the process in the middle; we want to flush what was printed and choose the exit code. */
export function exitByThrowing(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) exitByThrowing(child);
}
