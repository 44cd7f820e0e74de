/** A command asks before it does what cannot be taken back, and never guesses the answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ask, confirm } from '../../client/cli/confirm.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';

const { signal } = new AbortController();
const atTerminal = { canAsk: true, signal };

function asker(answer: boolean | undefined) {
  const questions: string[] = [];
  const ask: Ask = (question) => {
    questions.push(question);
    return Promise.resolve(answer);
  };
  return { questions, ask };
}

function isHalted(pattern: RegExp) {
  return (error: unknown) => isTidemarkError(error, 'halted') && pattern.test(error.message);
}

test('--yes is the answer, and nobody is asked', async () => {
  const { questions, ask } = asker(false);
  await confirm(atTerminal, { yes: true }, 'Delete it?', ask);
  await confirm({ canAsk: false, signal }, { yes: true, input: false }, 'Delete it?', ask);
  assert.deepEqual(questions, []);
});

test('at a terminal the person is asked, and only a yes goes on', async () => {
  const yes = asker(true);
  await confirm(atTerminal, {}, 'Delete it?', yes.ask);
  assert.deepEqual(yes.questions, ['Delete it?']);
  for (const answer of [false, undefined]) {
    await assert.rejects(confirm(atTerminal, {}, 'Delete it?', asker(answer).ask), isHalted(/nothing was done/));
  }
});

test('without a terminal, or with --no-input, it fails and names --yes', async () => {
  const { questions, ask } = asker(true);
  await assert.rejects(confirm({ canAsk: false, signal }, {}, 'Delete it?', ask), isHalted(/--yes/));
  await assert.rejects(confirm(atTerminal, { input: false }, 'Delete it?', ask), isHalted(/--yes/));
  assert.deepEqual(questions, []);
});
