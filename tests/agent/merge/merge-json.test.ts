/** Merges of JSON by structure: checked against a plain three-way merge of the parsed values, and byte by byte where nobody touched. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type JsonMerge, mergeJson } from '../../../client/agent/merge/merge-json.ts';
import { parseJsonText } from '../../../client/agent/merge/json-text.ts';

type Json = null | number | string | readonly Json[] | { readonly [key: string]: Json };

const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<Json>(1, 2, 'x', null, []),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('value'), { maxKeys: 4 }),
    fc.array(tie('value'), { maxLength: 2 }),
  ),
}));
const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), json, { maxKeys: 5 });
const indent = fc.constantFrom(undefined, 2, '\t');

function textOf(merge: JsonMerge): string | undefined {
  return merge.state === 'merged' ? merge.text : undefined;
}

/** As plain as can be: values by JSON.stringify with sorted keys. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** Set as own properties, whatever their names. */
const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const conflict = Symbol('conflict');

function model(
  base: Json | undefined,
  one: Json | undefined,
  other: Json | undefined,
): Json | undefined | typeof conflict {
  const same = (x: Json | undefined, y: Json | undefined) =>
    x === undefined || y === undefined ? x === y : canonical(x) === canonical(y);
  if (same(base, other) || same(one, other)) return one;
  if (same(base, one)) return other;
  if (isObject(base) && isObject(one) && isObject(other)) {
    const entries: [string, Json][] = [];
    for (const key of new Set([...Object.keys(base), ...Object.keys(one), ...Object.keys(other)])) {
      const of = (value: { readonly [key: string]: Json }) => (Object.hasOwn(value, key) ? value[key] : undefined);
      const merged = model(of(base), of(one), of(other));
      if (merged === conflict) return conflict;
      if (merged !== undefined) entries.push([key, merged]);
    }
    return Object.fromEntries(entries);
  }
  const lists = [base, one, other].filter((each): each is readonly Json[] => Array.isArray(each));
  const [first] = lists;
  if (lists.length < 3 || first === undefined) return conflict;
  if (!lists.every((list) => list.length === first.length && list.every(isObject))) return conflict;
  const items = first.map((item, i) => model(item, lists[1]![i], lists[2]![i]));
  return items.includes(conflict) ? conflict : (items as Json[]);
}

describe('a merge of JSON', () => {
  it('says what a merge of the values says, in either order, however each side is written', () => {
    let merges = 0;
    fc.assert(
      fc.property(object, object, object, indent, indent, (base, one, other, x, y) => {
        const texts = [JSON.stringify(base), JSON.stringify(one, null, x), JSON.stringify(other, null, y)] as const;
        const expected = model(base, one, other);
        for (const merge of [mergeJson(...texts), mergeJson(texts[0], texts[2], texts[1])]) {
          if (expected === conflict) {
            assert.equal(merge.state, 'conflict');
            continue;
          }
          merges++;
          assert.equal(canonical(JSON.parse(textOf(merge)!) as Json), canonical(expected as Json));
          assert.ok(parseJsonText(textOf(merge)!) !== undefined, 'no key twice');
        }
      }),
      { numRuns: 2_000 },
    );
    assert.ok(merges > 100, `${merges} merges`);
  });

  it('takes over edits of different keys and leaves the rest as it is written, to the byte', () => {
    const base = '{\n  "id": 12345678901234567890,\n  "price": 1.50,\n  "name": "caf\\u00e9",\n  "tags": [ 1,2 ]\n}\n';
    const one = base.replace('1.50', '1.60');
    const other = base.replace('[ 1,2 ]', '[1, 2, 3]').replace('"tags"', '"new": {"deep": true},\n  "tags"');
    assert.equal(
      textOf(mergeJson(base, one, other)),
      '{\n  "id": 12345678901234567890,\n  "price": 1.60,\n  "name": "caf\\u00e9",\n  "new": {"deep": true},\n  "tags": [1, 2, 3]\n}\n',
    );
  });

  it('keeps indentation and line ends when keys come and go at either end', () => {
    const base = '{\r\n\t"a": 1,\r\n\t"b": 2,\r\n\t"c": 3\r\n}\r\n';
    const one = base.replace('"b": 2', '"b": 20');
    const other = '{\n\t"z": {\n\t\t"y": 0\n\t},\n\t"b": 2,\n\t"d": 4\n}\n';
    assert.equal(
      textOf(mergeJson(base, one, other)),
      '{\r\n\t"z": {\r\n\t\t"y": 0\r\n\t},\r\n\t"b": 20,\r\n\t"d": 4\r\n}\r\n',
    );
    assert.equal(textOf(mergeJson('{"a":{}}', '{"a":{},"x":1}', '{"a":{ "k": 1 }}')), '{"a":{ "k": 1 },"x":1}');
    assert.equal(textOf(mergeJson('{"a":1,"b":2}', '{"a":1}', '{"b":2}')), '{}');
  });

  it('is a conflict where one datum was changed twice: edit and delete, two additions, two lengths of a list', () => {
    for (const [base, one, other] of [
      ['{"a":1}', '{"a":2}', '{"a":3}'],
      ['{"a":1}', '{"a":1.0}', '{"a":3}'],
      ['{"a":1}', '{}', '{"a":3}'],
      ['{}', '{"a":1}', '{"a":2}'],
      ['[1,2]', '[1,2,3]', '[0,1,2]'],
      ['[1,2]', '[9,2]', '[1,9]'],
    ] as const) {
      assert.equal(mergeJson(base, one, other).state, 'conflict', `${base} ${one} ${other}`);
    }
  });

  it('merges lists of as many records item by item', () => {
    const merged = mergeJson('[{"n":1},{"n":2}]', '[{"n":1,"x":0},{"n":2}]', '[{"n":1},{"n":3}]');
    assert.equal(textOf(merged), '[{"n":1,"x":0},{"n":3}]');
  });

  it('takes over any number of added keys, each behind what it stood behind', () => {
    const added = Array.from({ length: 50_000 }, (_, i) => `,"n${i}":${i}`).join('');
    assert.equal(textOf(mergeJson('{"a":1,"b":2}', '{"b":2,"c":3}', `{"a":1,"b":2${added}}`)), `{"b":2${added},"c":3}`);
    assert.equal(textOf(mergeJson('{"a":1}', '{}', `{"a":1${added}}`)), `{${added.slice(1)}}`);
  });

  it('does not take what is no JSON, has a key twice, or is nested without end', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const text of [
      '',
      '{',
      '{"a":1,}',
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '// x\n{}',
      '01',
      'NaN',
      '{} {}',
      deep,
      '"\t"',
    ]) {
      assert.equal(mergeJson('{}', '{"x":1}', text).state, 'not-json', text.slice(0, 20));
    }
  });
});
