/** Filters of REST: those that are served choose as OData says; all others are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odata } from '@azure/web-pubsub';
import * as fc from 'fast-check';
import { type Filtered, parseFilter } from '../../../local/web-pubsub/filter.ts';

const charactersMax = 4_096;
const ada: Filtered = { connectionId: 'c1', userId: 'ada', groups: new Set(['g', "it's"]) };
const nobody: Filtered = { connectionId: 'c2', userId: undefined, groups: new Set() };

test('chooses by user, connection and group', () => {
  const expected: Readonly<Record<string, readonly [boolean, boolean]>> = {
    "userId eq 'ada'": [true, false],
    "USERID ne 'ada'": [false, true],
    'userId eq null': [false, true],
    'null ne userId': [true, false],
    "connectionId in ('c2','c3')": [false, true],
    "'g' in groups": [true, false],
    "'it''s' in groups": [true, false],
    "not('g' in groups)": [false, true],
    "userId eq 'bob' or userId eq 'ada' and connectionId eq 'c1'": [true, false],
    "(userId eq 'ada' or connectionId eq 'c2') and not (connectionId eq 'c2')": [true, false],
    true: [true, true],
    'false or (true)': [true, true],
    [odata`userId eq ${"a'b"} or connectionId eq ${'c2'}`]: [false, true],
  };
  for (const [text, [one, other]] of Object.entries(expected)) {
    const filter = parseFilter(text, charactersMax);
    assert.ok(filter !== undefined, text);
    assert.deepEqual([filter(ada), filter(nobody)], [one, other], text);
  }
});

test('refuses what is not served or is nothing', () => {
  const refused = [
    '',
    'userId',
    "userId eq 'ada",
    'userId eq ada',
    "userId gt 'a'",
    "startswith(userId, 'a')",
    'length(groups) gt 1',
    "userId eq 'ada' userId",
    "not userId eq 'ada'",
    "(userId eq 'ada'",
    'userId in groups in groups',
    "userId eq 'ada' and",
    'userId in ()',
    `userId eq '${'x'.repeat(charactersMax)}'`,
  ];
  for (const text of refused) assert.equal(parseFilter(text, charactersMax), undefined, text);
});

test('reads any text without a failure, however deep', () => {
  const part = fc.constantFrom(
    'userId',
    'eq',
    'ne',
    'in',
    'and',
    'or',
    'not',
    '(',
    ')',
    ',',
    "'a'",
    'groups',
    'true',
    '%',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const filter = parseFilter(parts.join(' '), charactersMax);
      if (filter !== undefined) assert.equal(typeof filter(ada), 'boolean');
    }),
  );
  const nested = (depth: number): string => `${'('.repeat(depth)}true${')'.repeat(depth)}`;
  assert.equal(parseFilter(nested(50), charactersMax)?.(ada), true);
  assert.equal(parseFilter(nested(51), charactersMax), undefined);
  assert.equal(parseFilter('('.repeat(charactersMax), charactersMax), undefined);
  const wide = Array.from({ length: 300 }, () => '(true)').join(' and ');
  assert.equal(parseFilter(wide, charactersMax)?.(ada), true);
});
