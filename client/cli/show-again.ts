/** `--watch` of commands that show something: the same again and again until Ctrl-C. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { errorToJson, errorToText } from './errors.ts';
import { usageError } from './usage-error.ts';

/** What is to be shown once. */
export interface Shown {
  readonly data: unknown;
  readonly lines: () => readonly string[];
}

export const intervalOption = [
  '--interval <seconds>',
  'with --watch: how long to wait between two looks',
  '5',
] as const;

function parseInterval(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0.1 && seconds <= 86_400) return seconds * 1_000;
  throw usageError(`--interval is a number of seconds from 0.1 to 86400, not "${text}"`);
}

/** What passes is shown and watched on: another agent has the folder for a moment, or it cannot be looked at just now. */
async function lookAgain(look: () => Promise<Shown>): Promise<Shown> {
  try {
    return await look();
  } catch (error) {
    if (!isTidemarkError(error) || !(error.retryable || error.code === 'halted')) throw error;
    return { data: errorToJson(error), lines: () => [errorToText(error)] };
  }
}

/** That a device was heard of again is no change. */
const toJson = (data: unknown): string =>
  JSON.stringify(data, (name, value: unknown) => (name === 'seenMs' ? undefined : value));

/** On a terminal the same lines are drawn again; elsewhere each change is a line of JSON. Ends with Ctrl-C. */
export async function showAgain(
  context: CliContext,
  options: OutputOptions & { readonly interval: string },
  look: () => Promise<Shown>,
): Promise<void> {
  const waitMs = parseInterval(options.interval);
  const isDrawn = options.json !== true && process.stdout.isTTY && context.animated;
  let last = '';
  for (let first = true; !context.signal.aborted; first = false) {
    const shown = first ? await look() : await lookAgain(look);
    const text = toJson(shown.data);
    if (isDrawn) process.stdout.write(`\u001b[2J\u001b[H${shown.lines().join('\n')}\n\nCtrl-C ends this.\n`);
    else if (text !== last) process.stdout.write(`${JSON.stringify(shown.data)}\n`);
    last = text;
    await sleepFor(waitMs, undefined, { signal: context.signal }).catch(() => undefined);
  }
  context.signal.throwIfAborted();
}
