/** Differences by lines, as `diff -u` writes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { unifiedDiff } from '../../client/cli/unified-diff.ts';

/** What `patch` makes of a text, strictly: every line that a hunk names must be there. */
function patch(before: string, diff: readonly string[]): string {
  const lines = before === '' ? [] : before.split(/(?<=\n)/);
  const result: string[] = [];
  let at = 0;
  const isCut = (i: number): boolean => diff[i + 1]?.startsWith('\\') === true;
  for (const [i, line] of diff.entries()) {
    const head = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$/.exec(line);
    if (head !== null) {
      const from = head[2] === '0' ? Number(head[1]) : Number(head[1]) - 1;
      assert.ok(from >= at, 'hunks come in order');
      result.push(...lines.slice(at, from));
      at = from;
      continue;
    }
    if (line.startsWith('\\')) continue;
    const text = line.slice(1) + (isCut(i) ? '' : '\n');
    if (line[0] !== '+') assert.equal(lines[at++], text);
    if (line[0] !== '-') result.push(text);
  }
  return [...result, ...lines.slice(at)].join('');
}

test('an edit has three lines around it; what lies far apart is two hunks', () => {
  const before = Array.from({ length: 20 }, (_, i) => `${i}\n`).join('');
  const after = before.replace('3\n', 'three\n').replace('15\n', '');
  assert.deepEqual(unifiedDiff(before, after), [
    '@@ -1,7 +1,7 @@', ' 0', ' 1', ' 2', '-3', '+three', ' 4', ' 5', ' 6',
    '@@ -13,7 +13,6 @@', ' 12', ' 13', ' 14', '-15', ' 16', ' 17', ' 18',
  ]); // prettier-ignore
});

test('texts that begin or end to be, and ends without a newline', () => {
  assert.deepEqual(unifiedDiff('', 'a\n'), ['@@ -0,0 +1 @@', '+a']);
  assert.deepEqual(unifiedDiff('a\n', ''), ['@@ -1 +0,0 @@', '-a']);
  assert.deepEqual(unifiedDiff('a', 'a\n'), ['@@ -1 +1 @@', '-a', '\\ No newline at end of file', '+a']);
  assert.deepEqual(unifiedDiff('same\n', 'same\n'), []);
});

test('a difference, applied, gives the other text', () => {
  const text = fc
    .array(fc.constantFrom('a\n', 'b\n', 'c\r\n', '\n', 'd'), { maxLength: 30 })
    .map((lines) => lines.join(''));
  fc.assert(fc.property(text, text, (before, after) => assert.equal(patch(before, unifiedDiff(before, after)), after)));
});
