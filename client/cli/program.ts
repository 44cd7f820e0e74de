/** The program: of all commands their names and summaries, of the one that was asked for all that it is. */
import { Command } from 'commander';
import { exitByThrowing } from './command.ts';
import { type CommandRow, commandTable } from './command-table.ts';
import { type CliContext, nameToText } from './context.ts';
import { usageError } from './usage-error.ts';
import { version } from './version.ts';

const firstSteps = `
First steps:
  $ tide login --server https://sync.example.com
  $ tide create photos
  $ tide link ~/Photos --workspace photos
  $ tide sync ~/Photos

tide help COMMAND tells more, with examples.`;

/** The command that the words ask for, or ask the help of. */
function askedFor(words: readonly string[]): string | undefined {
  const names = words.filter((word) => !word.startsWith('-'));
  return names[0] === 'help' ? names[1] : names[0];
}

function stub({ name, summary }: CommandRow): Command {
  return new Command(name).description(summary);
}

/** `words`: those of the command line after `tide`; 'all' defines every command in full, as for completion. */
export async function newProgram(context: CliContext, words: readonly string[] | 'all'): Promise<Command> {
  const program = new Command('tide')
    .description('Keeps a folder the same on every device that shares it.')
    .version(version)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .showHelpAfterError('(tide --help shows all commands)')
    .helpCommand('help [command]', 'show what a command does')
    .addHelpText('after', firstSteps);
  const asked = words === 'all' ? undefined : askedFor(words);
  // Commander would show the help of tide itself and not say why.
  if (
    words[0] === 'help' &&
    asked !== undefined &&
    commandTable.every(({ name }) => name !== asked) &&
    asked !== 'help'
  ) {
    throw usageError(`unknown command '${nameToText(asked)}'; \`tide --help\` shows all commands`);
  }
  for (const row of commandTable) {
    const command = words === 'all' || row.name === asked ? (await row.load())(context) : stub(row);
    command.showHelpAfterError(`(tide ${row.name} --help shows how it is used)`);
    program.addCommand(command.helpGroup(row.group));
  }
  exitByThrowing(program);
  return program;
}
