/** What all commands share: their options, and how a commander action becomes one of ours. */
import { Command } from 'commander';
import type { CliContext, OutputOptions } from './context.ts';

/** A command of its own, with `--json`, `--quiet` and examples at the end of its help. */
export function newCommand(usage: string, summary: string, examples: readonly string[]): Command {
  return new Command(usage)
    .description(summary)
    .option('--json', 'print one JSON object and nothing else on standard output')
    .option('-q, --quiet', 'no messages, only data and errors')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** Each command file exports one of these. */
export type DefineCommand = (context: CliContext) => Command;

export interface ServerOption extends OutputOptions {
  readonly server?: string;
}

export const serverOption = ['--server <url>', 'the server (default: where you logged in last)'] as const;
