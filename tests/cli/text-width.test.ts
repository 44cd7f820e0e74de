/** Tables whose columns stand under each other, whatever is in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleText } from 'node:util';
import { tableToLines } from '../../client/cli/context.ts';
import { textWidth } from '../../client/cli/text-width.ts';

test('columns of a terminal, not code units', () => {
  for (const [text, columns] of [
    ['', 0],
    ['laptop', 6],
    ['café', 4],
    ['cafe\u0301', 4],
    ['bob’s', 5],
    ['山田のPC', 8],
    ['노트북', 6],
    ['💻', 2],
    ['👩‍💻 x', 4],
    [styleText('bold', 'DEVICE', { validateStream: false }), 6],
  ] as const) {
    assert.equal(textWidth(text), columns, JSON.stringify(text));
  }
});

test('a head in bold and names of other scripts keep their columns', () => {
  const bold = (text: string) => styleText('bold', text, { validateStream: false });
  const lines = tableToLines([
    [bold('DEVICE'), bold('STATE')],
    ['山田のPC', 'idle'],
    ['a', 'syncing'],
  ]);
  assert.deepEqual(lines, [`${bold('DEVICE')}    ${bold('STATE')}`, '山田のPC  idle', 'a         syncing']);
});
