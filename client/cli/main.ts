/** The `tide` command line: the table of its commands, and what happens to errors and signals. */
import { Command, CommanderError } from 'commander';
import { type CliContext, createContext } from './context.ts';
import { createCommand } from './create.ts';
import { errorToJson, errorToText } from './errors.ts';
import { errorToExitCode, exitCodes } from './exit-codes.ts';
import { inspectCommand } from './inspect.ts';
import { linkCommand } from './link.ts';
import { listCommand } from './list.ts';
import { loginCommand } from './login.ts';
import { lsCommand } from './ls.ts';
import { statusCommand } from './status.ts';
import { syncCommand } from './sync.ts';

const version = '0.1.0';

function newProgram(context: CliContext): Command {
  const program = new Command('tide')
    .description('Keeps a folder the same on every device that shares it.')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(tide --help shows all commands)')
    .addHelpText(
      'after',
      `
First steps:
  $ tide login --server https://sync.example.com
  $ tide create photos
  $ tide link ~/Photos --workspace photos
  $ tide sync ~/Photos`,
    );
  const commands = [
    loginCommand,
    createCommand,
    listCommand,
    linkCommand,
    syncCommand,
    statusCommand,
    lsCommand,
    inspectCommand,
  ];
  for (const define of commands) program.addCommand(define(context));
  exitByThrowing(program);
  return program;
}

/** Commander would end the process in the middle; we want to flush what was printed and choose the exit code. */
function exitByThrowing(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) exitByThrowing(child);
}

function showError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const asJson = process.argv.includes('--json');
  if (asJson) process.stdout.write(JSON.stringify(errorToJson(error)) + '\n');
  else process.stderr.write(`tide: ${errorToText(error)}\n`);
  if (process.env['TIDE_DEBUG'] !== undefined) console.error(error);
  return errorToExitCode(error);
}

/** `tide ls | head` closes the pipe while we write: that is how it ends, not an error. */
function endWhenNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
}

async function main(): Promise<void> {
  const controller = new AbortController();
  const interrupted = new Error('stopped');
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('\nFinishing what is in flight; Ctrl-C again stops at once.\n');
    controller.abort(interrupted);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endWhenNobodyReads);
  try {
    await newProgram(createContext(controller.signal)).parseAsync();
  } catch (error) {
    process.exitCode = controller.signal.aborted ? exitCodes.interrupted : showError(error);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

await main();
