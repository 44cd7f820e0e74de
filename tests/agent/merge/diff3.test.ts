/** Differences and merges by lines: the laws they keep to, and that hostile input costs no more than honest. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { diffLines } from '../../../client/agent/merge/diff-lines.ts';
import { internLines, mergeText } from '../../../client/agent/merge/diff3.ts';

/** Few different lines, so that they repeat and align in more than one way. */
const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd', '', '}'), { maxLength: 25 });
const lineEnd = fc.constantFrom('\n', '\r\n');
const text = fc.tuple(lines, lineEnd, fc.boolean()).map(([all, end, last]) => all.join(end) + (last ? end : ''));

describe('a difference by lines', () => {
  it('leads from one to the other, and its hunks are apart and in order', () => {
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const [idsA, idsB] = internLines(a, b) as [Uint32Array, Uint32Array];
        const built: string[] = [];
        let at = 0;
        for (const hunk of diffLines(idsA, idsB)) {
          assert.ok(hunk.aFrom > at || at === 0);
          assert.ok(hunk.aTo > hunk.aFrom || hunk.bTo > hunk.bFrom);
          built.push(...a.slice(at, hunk.aFrom), ...b.slice(hunk.bFrom, hunk.bTo));
          at = hunk.aTo;
        }
        built.push(...a.slice(at));
        assert.deepEqual(built, b);
      }),
      { numRuns: 400 },
    );
  });

  it('is the shortest one where that is cheap: as long as the longest common subsequence leaves', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b'), { maxLength: 12 }),
        fc.array(fc.constantFrom('a', 'b'), { maxLength: 12 }),
        (a, b) => {
          // Every line is there twice or more, so that no anchor stands in the way.
          const [x, y] = [
            ['a', 'a', 'b', 'b', ...a],
            ['b', 'b', 'a', 'a', ...b],
          ];
          const [idsX, idsY] = internLines(x, y) as [Uint32Array, Uint32Array];
          const edits = diffLines(idsX, idsY).reduce((sum, h) => sum + h.aTo - h.aFrom + h.bTo - h.bFrom, 0);
          assert.equal(edits, x.length + y.length - 2 * commonLength(x, y));
        },
      ),
    );
  });
});

function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, () => 0);
  for (const line of a) {
    const next = [0];
    for (const [j, other] of b.entries()) next.push(line === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    row = next;
  }
  return row[b.length]!;
}

describe('a merge by lines', () => {
  it('of an edit and no edit, or of equal edits, is the edit', () => {
    fc.assert(
      fc.property(text, text, (base, x) => {
        assert.equal(mergeText(base, base, x), x);
        assert.equal(mergeText(base, x, base), x);
        assert.equal(mergeText(base, x, x), x);
      }),
    );
  });

  it('is the same in either order', () => {
    fc.assert(
      fc.property(text, text, text, (base, x, y) => assert.equal(mergeText(base, x, y), mergeText(base, y, x))),
      { numRuns: 1_000 },
    );
  });

  it('holds both edits when an unchanged line is between them, and is a conflict when they are neighbours', () => {
    const from = (length: number) => Array.from({ length }, (_, i) => `line ${i}`);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), fc.nat(), (length, i, j) => {
        const base = from(length);
        const [p, q] = [i % length, j % length];
        const [one, other] = [base.with(p, 'of one'), base.with(q, 'of other')];
        const merged = mergeText(base.join('\n'), one.join('\n'), other.join('\n'));
        assert.equal(merged, Math.abs(p - q) > 1 ? one.with(q, 'of other').join('\n') : undefined);
      }),
    );
  });

  it('of any clean merge: merging again changes nothing, and each line comes from one of the three', () => {
    let clean = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer(), { minLength: 4, maxLength: 20 }),
        fc.func(fc.nat(9)),
        fc.func(fc.nat(9)),
        (ids, f, g) => {
          const base = ids.map(String);
          const edit = (how: (line: string) => number, by: string): string =>
            base
              .flatMap((line) => (how(line) === 0 ? [] : how(line) === 1 ? [line, `${line} and ${by}`] : [line]))
              .join('\n');
          const [one, other] = [edit(f, 'one'), edit(g, 'other')];
          const merged = mergeText(base.join('\n'), one, other);
          if (merged === undefined) return;
          clean++;
          assert.equal(mergeText(base.join('\n'), merged, other), merged);
          assert.equal(mergeText(base.join('\n'), one, merged), merged);
          const known = new Set([...base, ...one.split('\n'), ...other.split('\n')]);
          for (const line of merged.split('\n')) assert.ok(known.has(line));
          for (const by of ['one', 'other']) {
            const added = (by === 'one' ? one : other).split('\n').filter((line) => line.endsWith(by));
            for (const line of added) assert.ok(merged.split('\n').includes(line));
          }
        },
      ),
      { numRuns: 500 },
    );
    assert.ok(clean > 20, `${clean} clean merges`);
  });

  it('keeps kind of line end, last line end and byte order mark as their editors left them', () => {
    assert.equal(mergeText('a\nb\nc\nd\n', 'A\nb\nc\nd\n', 'a\nb\nc\nD'), 'A\nb\nc\nD');
    assert.equal(mergeText('a\nb\nc\n', 'a\r\nb\r\nc\r\n', 'A\nb\nc\n'), 'A\r\nb\r\nc\r\n');
    assert.equal(
      mergeText('\ufeffa\r\nb\r\nc\r\n', '\ufeffa\r\nb\r\nC\r\n', '\ufeffA\r\nb\r\nc\r\n'),
      '\ufeffA\r\nb\r\nC\r\n',
    );
    const mixed = 'a\r\nb\nc\r\nd\n';
    assert.equal(mergeText(mixed, mixed.replace('a', 'A'), mixed.replace('d', 'D')), 'A\r\nb\nc\r\nD\n');
  });

  it('puts nothing together that somebody deleted around an edit of the other', () => {
    assert.equal(mergeText('a\nb\nc\n', '', 'a\nB\nc\n'), undefined);
    assert.equal(mergeText('', 'a\n', 'b\n'), undefined);
    assert.equal(mergeText('x\n', 'x\na\n', 'x\nb\n'), undefined);
  });
});

describe('hostile input', () => {
  const repeated = (line: string, times: number): string => `${line}\n`.repeat(times);
  const cases: Readonly<Record<string, readonly [string, string, string]>> = {
    'nothing but equal lines': [repeated('x', 5_000), repeated('x', 4_000) + repeated('y', 900), repeated('x', 4_999)],
    'two lines in turn, shifted': [repeated('a\nb', 30_000), repeated('b\na', 30_000), repeated('a\na\nb', 20_000)],
    'everything different': [numbered(60_000, 'a'), numbered(60_000, 'b'), numbered(60_000, 'c')],
    'everything turned around': [
      numbered(60_000, 'a'),
      numbered(60_000, 'a').split('\n').reverse().join('\n'),
      numbered(60_000, 'a') + 'end',
    ],
    'too many lines': [repeated('', 300_000), repeated('', 300_001), `x${repeated('', 300_000)}`],
  };

  function numbered(count: number, by: string): string {
    return Array.from({ length: count }, (_, i) => `${by}${i}\n`).join('');
  }

  for (const [name, [base, one, other]] of Object.entries(cases)) {
    it(`${name}: comes to an end, the same in either order`, () => {
      assert.equal(mergeText(base, one, other), mergeText(base, other, one));
    });
  }

  it('merges edits around more unchanged lines than a call takes arguments', () => {
    const base = numbered(150_000, 'a');
    const one = `x\n${base}y\n`;
    assert.equal(mergeText(base, one, base.replace('a7\n', 'seven\n')), one.replace('a7\n', 'seven\n'));
  });
});
