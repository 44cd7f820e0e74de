/**
 * `npm run admin -- <command>`: what operators do with the service's own stores, whichever the environment configures
 * (functions/config.ts), or those of a local stack (`--data`), also while it runs. Whoever can open the stores may: there is no
 * login. The same over HTTP, for operators that cannot open them, is under /operator.
 */
import { Command, CommanderError } from 'commander';
import { exitByThrowing } from '../../client/cli/command.ts';
import { errorToJson, errorToText } from '../../client/cli/errors.ts';
import { type AdminContext, createAdminContext } from './context.ts';
import { errorToExitCode, exitCodes } from './exit-codes.ts';
import { fsckCommand } from './fsck.ts';
import { feedCommand, incidentsCommand, poisonCommand } from './machinery.ts';
import { quarantineCommand } from './quarantine.ts';
import { rebuildIndexCommand } from './rebuild-index.ts';
import { rotateSigningKeyCommand } from './rotate-signing-key.ts';
import { quotaCommand, usageCommand, workspacesCommand } from './usage.ts';

const commands = [
  fsckCommand,
  rebuildIndexCommand,
  quarantineCommand,
  incidentsCommand,
  usageCommand,
  quotaCommand,
  workspacesCommand,
  feedCommand,
  poisonCommand,
  rotateSigningKeyCommand,
];

function newProgram(context: AdminContext): Command {
  const program = new Command('admin')
    .usage('[options] [command]')
    .description('Looks after the stores of a Tidemark service.')
    .showSuggestionAfterError()
    .showHelpAfterError('(npm run admin -- --help shows all commands)')
    .addHelpText(
      'after',
      `
Examples:
  $ npm run admin -- fsck                     check everything of the stack in .tidemark
  $ npm run admin -- fsck --data DIR --deep   of another one, and every byte
  $ npm run admin -- quarantine list
  $ npm run admin -- usage --json`,
    );
  for (const define of commands) program.addCommand(define(context));
  exitByThrowing(program);
  return program;
}

function showError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (process.argv.includes('--json')) process.stdout.write(JSON.stringify(errorToJson(error)) + '\n');
  else process.stderr.write(`admin: ${errorToText(error)}\n`);
  return errorToExitCode(error);
}

async function main(): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('\nStopping after this step; Ctrl-C again stops at once.\n');
    controller.abort(new Error('stopped'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // `admin fsck | head` closes the pipe while we write: that is how it ends, not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(exitCodes.ok);
  });
  try {
    await newProgram(createAdminContext(process.env, controller.signal)).parseAsync();
  } catch (error) {
    process.exitCode = controller.signal.aborted ? exitCodes.interrupted : showError(error);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

await main();
