/**
 * `tide` without a process of its own, which costs half a second each: the same program, with what it prints caught. What main.ts
 * does around it (signals, how errors are printed) is for tests with real processes.
 */
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { createContext } from '../../client/cli/context.ts';
import { errorToText } from '../../client/cli/errors.ts';
import { errorToExitCode, exitCodes } from '../../client/cli/exit-codes.ts';
import { newProgram } from '../../client/cli/program.ts';

export interface TideAnswer<T> {
  readonly code: number;
  /** What `--json` prints. */
  readonly data: T;
  /** What is printed without it. */
  readonly text: string;
  readonly notes: readonly string[];
  /** What would be told on standard error; empty when all went well. */
  readonly error: string;
}

/** `home`: where the login is kept. Asks nobody, as where there is no terminal. */
export async function tideHere<T>(home: string, ...words: readonly string[]): Promise<TideAnswer<T>> {
  let data: unknown;
  let text = '';
  const notes: string[] = [];
  const context = {
    ...createContext(new AbortController().signal),
    configFolder: home,
    stateFolder: join(home, 'state'),
    canAsk: false,
    print: (_options: unknown, value: unknown, lines: () => readonly string[]) => {
      // As JSON, so that a test sees what a script would.
      data = JSON.parse(JSON.stringify(value));
      text = lines().join('\n');
    },
    note: (_options: unknown, note: string) => notes.push(note),
  };
  const before = process.exitCode;
  let code: number = exitCodes.ok;
  let error = '';
  try {
    const program = await newProgram(context, words);
    program.configureOutput({ writeErr: () => undefined });
    for (const command of program.commands) command.configureOutput({ writeErr: () => undefined });
    await program.parseAsync([...words], { from: 'user' });
    code = typeof process.exitCode === 'number' ? process.exitCode : exitCodes.ok;
  } catch (caught) {
    code = caught instanceof CommanderError ? exitCodes.usage : errorToExitCode(caught);
    error = errorToText(caught);
  } finally {
    process.exitCode = before;
  }
  return { code, data: data as T, text, notes, error };
}

/** The same, for what must succeed: what `--json` prints. */
export async function mustTide<T>(home: string, ...words: readonly string[]): Promise<T> {
  const { code, data, error } = await tideHere<T>(home, ...words);
  if (code !== exitCodes.ok) throw new Error(`tide ${words.join(' ')} ended with ${code}: ${error}`);
  return data;
}
