/** The table of incidents (README.md) and the tests that it names: each has the incident's number in the name of a test. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const table = readFileSync(new URL('./README.md', import.meta.url), 'utf8');

interface Incident {
  readonly id: string;
  readonly files: readonly string[];
}

function incidents(): readonly Incident[] {
  return table.split('\n').flatMap((line) => {
    const [, id = '', , , tests = ''] = line.split('|').map((cell) => cell.trim());
    if (!/^L\d+$/.test(id)) return [];
    return [{ id, files: [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) => file!) }];
  });
}

test('every incident has tests that bear its number', () => {
  const all = incidents();
  assert.ok(all.length >= 24);
  for (const { id, files } of all) {
    assert.ok(files.length > 0, `${id} has no test`);
    for (const file of files) {
      const text = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8');
      const title = new RegExp(`\\b(?:(?:it|test|describe)\\(|what:)\\s*['"\`][^\\n]*\\b${id}\\b`);
      assert.match(text, title, `${file} has no test that is named after ${id}`);
    }
  }
});
