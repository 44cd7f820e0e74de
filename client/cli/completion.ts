/** `tide completion SHELL`: a script that completes commands, options and their choices; made from the commands as they are. */
import { Argument } from 'commander';
import { type DefineCommand, newCommand } from './command.ts';
import { type Shell, completionScript, shells } from './completion/completion-script.ts';
import { programToWords } from './completion/program-words.ts';
import type { OutputOptions } from './context.ts';

export const completionCommand: DefineCommand = (context) =>
  newCommand('completion', 'print a script that completes tide in your shell', [
    'source <(tide completion bash)',
    'tide completion zsh > "${fpath[1]}/_tide"',
    'tide completion fish > ~/.config/fish/completions/tide.fish',
  ])
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action(async (shell: Shell, options: OutputOptions) => {
      // Not before: it needs every command, and every command is a part of it.
      const { newProgram } = await import('./program.ts');
      const script = completionScript(shell, programToWords(await newProgram(context, 'all')));
      context.print(options, { shell, script }, () => [script]);
    });
