/** A question before something that cannot be taken back. */
import { TidemarkError } from '../../shared/core/errors.ts';
import type { CliContext, OutputOptions } from './context.ts';

export interface ConfirmOptions extends OutputOptions {
  /** `--yes`: the answer was given on the command line. */
  readonly yes?: boolean;
}

/** Every command that confirms has this option: a script must be able to answer. */
export const yesOption = ['-y, --yes', 'do it without asking'] as const;

/** The person's answer; undefined when they turned away from the question (Ctrl-C, Escape). */
export type Ask = (question: string, signal: AbortSignal) => Promise<boolean | undefined>;

/** On stderr, since stdout is for data. */
const askOnTerminal: Ask = async (question, signal) => {
  const { confirm: clackConfirm, isCancel } = await import('@clack/prompts');
  const answer = await clackConfirm({ message: question, initialValue: false, output: process.stderr, signal });
  return isCancel(answer) ? undefined : answer;
};

/**
 * Resolves when the person agrees, or has with `--yes`. Throws `halted` when they do not, and when nobody can be asked (no terminal,
 * or `--no-input`): nothing is ever done on a guess.
 */
export async function confirm(
  context: Pick<CliContext, 'canAsk' | 'signal'>,
  options: ConfirmOptions,
  question: string,
  ask: Ask = askOnTerminal,
): Promise<void> {
  if (options.yes === true) return;
  if (!context.canAsk || options.input === false) {
    throw new TidemarkError('halted', `${question} Nobody can be asked here; add \`--yes\` if it is meant`);
  }
  if ((await ask(question, context.signal)) !== true) {
    throw new TidemarkError('halted', 'not confirmed; nothing was done');
  }
}
