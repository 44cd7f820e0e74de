/** The entry of the `tide` command line: signals, errors, exit codes. What it can do is in command-table.ts. */
import { CommanderError } from 'commander';
import { createContext } from './context.ts';
import { errorToJson, errorToText } from './errors.ts';
import { errorToExitCode, exitCodes } from './exit-codes.ts';
import { newProgram } from './program.ts';

/** Words that are options, wherever they are: an error may come before they are understood. */
function hasFlag(words: readonly string[], flag: string): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end < 0 ? undefined : end).includes(flag);
}

function showError(error: unknown, words: readonly string[]): number {
  const asJson = hasFlag(words, '--json');
  const isUsage = error instanceof CommanderError;
  if (isUsage && error.exitCode === 0) return exitCodes.ok;
  if (asJson) process.stdout.write(JSON.stringify(errorToJson(error)) + '\n');
  else if (!isUsage) process.stderr.write(`tide: ${errorToText(error)}\n`);
  if (process.env['TIDE_DEBUG'] !== undefined) console.error(error);
  return isUsage ? exitCodes.usage : errorToExitCode(error);
}

/** `tide ls | head` closes the pipe while we write: that is how it ends, not an error. Where output is a file, its disk may be full. */
function endOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  process.stderr.write(`tide: the output could not be written: ${errorToText(error)}\n`);
  process.exit(exitCodes.failed);
}

const stoppedJson = { error: { code: 'interrupted', message: 'stopped; what was done stays done', data: {} } };

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  // Of a watch that tells in JSON, every line is JSON.
  const isLog = words[0] === 'watch' && hasFlag(words, '--json');
  const isQuiet = isLog || hasFlag(words, '--quiet') || hasFlag(words, '-q');
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    if (!isQuiet) process.stderr.write('\nFinishing what is in flight; Ctrl-C again stops at once.\n');
    controller.abort(new Error('stopped'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.stdout.on('error', endOutput);
  // Without a place for messages there is nobody to tell.
  process.stderr.on('error', ({ code }: NodeJS.ErrnoException) =>
    process.exit(code === 'EPIPE' ? exitCodes.ok : exitCodes.failed),
  );
  try {
    const context = createContext(controller.signal, hasFlag(words, '--verbose'));
    await (await newProgram(context, words)).parseAsync();
  } catch (error) {
    if (controller.signal.aborted) {
      if (hasFlag(words, '--json')) process.stdout.write(JSON.stringify(stoppedJson) + '\n');
      process.exitCode = exitCodes.interrupted;
    } else process.exitCode = showError(error, words);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

await main();
